"""Words for times in the seven languages. Data for `dates`."""

from typing import Final

MONTHS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("january|jan", "february|feb", "march|mar", "april|apr", "may", "june|jun", "july|jul", "august|aug",
           "september|sept|sep", "october|oct", "november|nov", "december|dec"),
    "de": ("januar|jänner", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober",
           "november", "dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre|setiembre",
           "octubre", "noviembre", "diciembre"),
    "it": ("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
           "novembre", "dicembre"),
    "pt": ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
           "novembro", "dezembro"),
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
           "november", "december"),
}  # fmt: skip

SEASONS: Final[dict[str, tuple[str, str, str, str]]] = {
    "en": ("spring", "summer", "autumn|fall", "winter"),
    "de": ("frühjahr|frühling", "sommer", "herbst", "winter"),
    "fr": ("printemps", "été", "automne", "hiver"),
    "es": ("primavera", "verano", "otoño", "invierno"),
    "it": ("primavera", "estate", "autunno", "inverno"),
    "pt": ("primavera", "verão", "outono", "inverno"),
    "nl": ("lente|voorjaar", "zomer", "herfst|najaar", "winter"),
}

NUMBERS: Final[dict[str, str]] = {
    "en": "a|an|one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen,fifteen",
    "de": "ein|einem|einer|eine,zwei,drei,vier,fünf,sechs,sieben,acht,neun,zehn,elf,zwölf",
    "fr": "un|une,deux,trois,quatre,cinq,six,sept,huit,neuf,dix,onze,douze",
    "es": "un|una|uno,dos,tres,cuatro,cinco,seis,siete,ocho,nueve,diez,once,doce",
    "it": "un|una|uno,due,tre,quattro,cinque,sei,sette,otto,nove,dieci,undici,dodici",
    "pt": "um|uma,dois|duas,três,quatro,cinco,seis,sete,oito,nove,dez,onze,doze",
    "nl": "een|één,twee,drie,vier,vijf,zes,zeven,acht,negen,tien,elf,twaalf",
}

AGO: Final[dict[str, str]] = {
    "en": r"(?:{n})\s+(?:{u})\s+(?:ago|earlier|before)",
    "de": r"vor\s+(?:{n})\s+(?:{u})",
    "fr": r"il y a\s+(?:{n})\s+(?:{u})",
    "es": r"hace\s+(?:{n})\s+(?:{u})",
    "it": r"(?:{n})\s+(?:{u})\s+fa",
    "pt": r"há\s+(?:{n})\s+(?:{u})",
    "nl": r"(?:{n})\s+(?:{u})\s+(?:geleden|eerder)",
}
"""How long ago; {n} stands for the number, {u} for the unit."""

UNITS: Final[dict[str, tuple[str, str]]] = {
    "en": ("years?", "months?"),
    "de": ("jahr(?:en?)?", "monat(?:en?)?"),
    "fr": ("ans?|années?", "mois"),
    "es": ("años?", "mes(?:es)?"),
    "it": ("ann[oi]", "mes[ei]"),
    "pt": ("anos?", "m[êe]s(?:es)?"),
    "nl": ("jaar|jaren", "maand(?:en)?"),
}
"""Words for years and for months."""

LAST_YEAR: Final[dict[str, str]] = {
    "en": r"last year|the previous year|the year before",
    "de": r"(?:im )?(?:vergangene[nrs]?|letzte[nrs]?|vorige[nrs]?) jahr|im vorjahr",
    "fr": r"l['’]an dernier|l['’]année dernière|l['’]an passé|l['’]année passée",
    "es": r"el año pasado",
    "it": r"l['’]anno scorso|lo scorso anno",
    "pt": r"o ano passado|no ano passado",
    "nl": r"vorig jaar|afgelopen jaar",
}

LAST_MONTH: Final[dict[str, str]] = {
    "en": r"last month",
    "de": r"(?:im )?(?:vergangenen|letzten|vorigen) monat",
    "fr": r"le mois dernier|le mois passé",
    "es": r"el mes pasado",
    "it": r"il mese scorso|lo scorso mese",
    "pt": r"(?:n?o) mês passado",
    "nl": r"vorige maand|afgelopen maand",
}

THIS_YEAR: Final[dict[str, str]] = {
    "en": r"(?:earlier )?this year",
    "de": r"(?:in )?diese[ms] jahr|seit jahresbeginn|seit jahresanfang",
    "fr": r"cette année",
    "es": r"este año",
    "it": r"quest['’]anno",
    "pt": r"(?:n?este|deste) ano",
    "nl": r"dit jaar",
}

THEN: Final[dict[str, str]] = {
    "en": r"at the time|at that time|back then|in those days|then|the same (?:year|month)|that (?:year|month|spring|"
          r"summer|autumn|winter)|since then",
    "de": r"damals|damalige\w*|seinerzeit|zu jener zeit|im selben (?:jahr|monat)|seither|seitdem",
    "fr": r"à l['’]époque|alors|cette année-là|la même année|depuis lors",
    "es": r"entonces|en aquel momento|en aquella época|ese mismo año|aquel año|desde entonces",
    "it": r"allora|all['’]epoca|a quel tempo|quell['’]anno|lo stesso anno|da allora",
    "pt": r"na época|naquela altura|à época|então|nesse ano|no mesmo ano|desde então",
    "nl": r"destijds|toen|indertijd|toenmalige|datzelfde jaar|dat jaar|sindsdien",
}  # fmt: skip
"""Words that point back to a time named before."""

FUTURE: Final[dict[str, str]] = {
    "en": r"will|shall|next|going to|plans? to|due to|by the end of|starting|from \d+ \w+ on",
    "de": r"wird|werden|nächste\w*|kommende\w*|künftig|soll|sollen|ab",
    "fr": r"prochaine?s?|sera|seront|va|vont|d['’]ici|à partir d[eu']",
    "es": r"próxim[oa]s?|será|serán|va a|van a|a partir de",
    "it": r"prossim[oaie]|sarà|saranno|a partire da",
    "pt": r"próxim[oa]s?|será|serão|vai|vão|a partir de",
    "nl": r"zal|zullen|volgende?|komende?|vanaf",
}
"""Words beside which a time without a year may lie ahead."""
