"""What pages say around an article, in seven languages: patterns for one segment of a line, case ignored.

A segment is what stands between separators such as `|` or `·`. `WHOLE` must match all of it, `OPENING` its beginning.
"""

import re
from collections.abc import Callable

NETWORKS = (
    r"facebook|twitter|x|linked-?in|reddit|whats ?app|telegram|pinterest|instagram|mastodon|bluesky|threads|xing|"
    r"flipboard|tumblr|youtube|tiktok|e-?mail|mail|link|social media|copy link|link kopieren|copier le lien|"
    r"copiar enlace|copia link|copiar link|kopieer link|rss|sms"
)

_THIS = (
    r"(?:(?:this|the|our|diesen|den|cet|l['’]|cette|este|esta|el|la|questo|quest['’]|o|a|dit|deze)?[ ]?"
    r"(?:article|story|page|post|release|issue|bulletin|topic|press release|artikel|beitrag|seite|artículo|noticia|"
    r"página|articolo|pagina|artigo|notícia|matéria|bericht|pagina))"
)
_SHARE = (
    r"share|tweet|print|save|gift|pin|post|listen|bookmark|copy|republish|forward|follow|"
    r"teilen|merken|drucken|speichern|anhören|partager|imprimer|enregistrer|écouter|transférer|"
    r"compartir|comparte|imprimir|guardar|escuchar|condividi|stampa|salva|ascolta|invia|"
    r"compartilhe|compartilhar|partilhar|partilhe|salvar|ouvir|delen|deel|bewaar|bewaren|afdrukken|luister"
)
_COMMENTS = r"comments?|repl(?:y|ies)|kommentare?|commentaires?|comentarios?|commenti|commento|comentários?|reacties?"
_PERSONAL = r"(?:your|deine?n?|ihre?n?|votre|tu|su|il tuo|seu|o seu|je|uw)"

WHOLE = (
    # sharing and tools of the page
    NETWORKS,
    rf"(?:{_SHARE})(?: {_THIS})?(?:[: ]+(?:(?:on|via|by|to|with|auf|per|mit|bei|sur|par|en|por|no|na|em|su|op|with)[ ]?)?"
    rf"(?:{NETWORKS}|a friend|einem freund|un amico|un ami|un amigo|um amigo|een vriend)"
    rf"(?:[ ,/&]+(?:and |und |et |y |e |en )?(?:{NETWORKS}))*)?",
    rf"{_THIS} (?:{_SHARE}|melden)",
    r"(?:(?:artikel|beitrag) )?anhören.{0,20}|listen(?: to this article)?(?: \(.{1,12})?|ouvir a notícia",
    r"(?:print|text) (?:version|size).{0,12}|schriftgröße ändern|print this \w+|nur drucken",
    r"ajouter à vos (?:sélections|favoris)|créer une alerte|réagir(?: \(\d+\))?|faire suivre cette lettre",
    r"(?:teilen|share|partager|compartir|condividi|compartilhar|delen)[: ]*",
    # comments and ratings
    rf"\(?\d[\d.,]* (?:{_COMMENTS})\)?|(?:{_COMMENTS})(?: ?\(?\d+\)?)?|(?:all|alle|tous les) (?:{_COMMENTS})",
    rf"(?:leave|post|write|add|be the first to)(?: a| your| the first)? (?:{_COMMENTS}|review)(?: \(\d+\))?",
    r"(?:kommentar|beitrag) (?:schreiben|verfassen|hinterlassen|melden)|schreibe(?:n sie)? einen kommentar",
    r"laisser un commentaire|(?:deja|dejar|añade|escribe) un comentario|lascia un commento|deixe (?:um|seu) comentário",
    r"(?:laat|plaats|schrijf) een reactie.{0,12}|reageren\??|schrijf een reactie",
    r"(?:log ?in|sign in|einloggen|anmelden|connectez-vous|inicia sesión|accedi|faça login)"
    r" (?:to|um|pour|para|per|om) .{1,40}",
    r"comments are closed.{0,30}|report (?:an error|a problem|this)|artikel melden|¿has visto un error\?.{0,20}",
    r"(?:rate|bewerten sie|notez|valora|vota|avalie|beoordeel) (?:this|diesen|ce|cet|este|questo|dit).{1,30}",
    rf"{_PERSONAL} (?:e-?mail|e-mail-adresse|adresse e-mail|correo|email|endereço|indirizzo|e-mailadres).{{0,60}}"
    r"(?:not be published|nicht veröffentlicht|pas publiée|no será publicad[ao]|non sarà pubblicato|não será publicado"
    r"|niet gepubliceerd)\.?",
    r"(?:required fields|erforderliche felder|les champs obligatoires|los campos obligatorios|i campi obbligatori|"
    r"campos obrigatórios|vereiste velden).{0,50}",
    r"please (?:enter|check|fill|provide|confirm|select) .{1,40}|looks good!?|(?:bitte )?(?:geben sie|gib) .{1,40} ein\.?",
    r"(?:name|e-?mail|website|submit|send|absenden|envoyer|enviar|invia|verzenden|post comment)\s?\*?",
    r"was this (?:article |page )?(?:helpful|useful)\??.{0,12}|yes / no|curtiu\?|"
    r"\d[\d.,]*\s?[km]? (?:shares|likes|views|reads|mal geteilt|aufrufe|partages|vues|visitas|vistas|compartidos|"
    r"condivisioni|visualizzazioni|visualizações|compartilhamentos|keer (?:gedeeld|bekeken))",
    # getting around
    r"(?:skip|jump) to .{1,25}|(?:zum|direkt zum) (?:haupt)?inhalt.{0,12}|zur startseite|aller au contenu.{0,12}|"
    r"(?:saltar|ir) al contenido.{0,12}|vai al contenuto.{0,12}|(?:ir|pular) para o conteúdo.{0,12}|naar de inhoud.{0,8}",
    r"home|startseite|accueil|inicio|início|menu|menü|search|suche|back to (?:top|overview)|nach oben|archive?s?|archiv|"
    r"older posts|newer posts|about(?: us)?|contact(?: us)?|sitemap|plan du site|dark mode|next|previous|weiter|zurück",
    r"view in (?:your )?browser|im browser (?:öffnen|ansehen)|voir dans le navigateur|ver (?:en|no) (?:el )?navegador",
    r"read (?:more|on|next|also|full story|the full story)\W*|continue reading.{0,12}|weiterlesen|mehr lesen|"
    r"lire (?:la suite|plus|aussi)|(?:leer|ver|saber) más|leggi tutto|continua a leggere|(?:ler|leia|saiba) mais|"
    r"lees (?:meer|verder|ook)|show more|mehr anzeigen",
    # newsletters, shops, law
    r"(?:un)?subscribe|newsletter|abonnieren|abmelden|s['’]abonner|se désabonner|suscríbete|darte de baja|iscriviti|"
    r"assine|inscreva-se|abonneren|afmelden|follow us|folgen sie uns|suivez-nous|síguenos|seguici|siga-nos|volg ons",
    r"(?:cookie|privacy|manage) (?:settings|preferences|policy|notice)|privacy|datenschutz(?:erklärung)?|impressum|imprint|"
    r"terms(?: (?:of use|and conditions))?|mentions légales|aviso legal.{0,30}|note legali|política de .{1,20}|"
    r"accessibility statement|(?:our )?standards|licensing rights|all rights reserved\.?|alle rechte vorbehalten\.?|"
    r"tous droits réservés\.?|todos los derechos reservados\.?|riproduzione riservata|todos os direitos reservados\.?|"
    r"alle rechten voorbehouden\.?",
    r"(?:accept|reject|agree|allow)(?: all)?(?: cookies)?|alle akzeptieren|zustimmen|ablehnen|einstellungen|settings|manage|"
    r"tout (?:accepter|refuser)|paramétrer|continuer sans accepter|aceptar(?: todo)?|accetta(?: tutto)?|aceitar(?: tudo)?|"
    r"alles accepteren|ok",
    r"advertisements?|advertising|advertise(?: with us)?|anzeige|werbung|publicité|publicidad|pubblicità|publicidade|"
    r"advertentie|reklame|advertisement .{0,3}continue reading below|sponsored|gesponsert",
    r"donate|spenden|support (?:us|our \w+)|apoie .{1,20}|get the app|als app|e-paper|.{0,20} als e-paper|probeabo.{0,12}",
    r"(?:most|more|mais|más|lo más) (?:read|leído|lido|popular)|meistgelesen|les plus lus|i più letti|best gelezen",
    # wires and press releases
    r"for immediate (?:release|use)|press release|(?:ends?|ende|fin|fine|fim|einde)",
    r"(?:image|picture|illustration|photo|photograph|foto|bild|grafik|imagen|immagine|imagem|beeld)s?"
    r" (?:created|generated|made|erstellt|generiert|générée?|generad[ao]|generat[ao]|gerad[ao]|gemaakt)"
    r" (?:by|with|von|mit|par|avec|por|con|da|com|door|met) .{1,40}",
)

OPENING = (
    # other articles
    r"(?:read (?:next|more|also)|also read|related(?: (?:articles?|stories|posts))?|see also|more (?:on|from|about)(?: \w+)?|more \w+ news|"
    r"you (?:may|might) also like|most read|popular now|also tested|also check out|don['’]t miss|trending|recommended)\s*:",
    r"(?:lesen sie (?:auch|mehr)|mehr (?:zum thema|dazu|aus)|siehe auch|das könnte (?:sie|dich) auch interessieren|"
    r"auch interessant|meistgelesen|nichts verpassen)\s*:",
    r"(?:à lire aussi|lire aussi|à voir aussi|sur le même sujet|voir aussi|lire également)\s*:",
    r"(?:lea también|lee también|te puede interesar|ver también|más sobre|noticias relacionadas)\s*:",
    r"(?:leggi anche|vedi anche|potrebbe interessarti|correlati)\s*:",
    r"(?:leia também|leia mais|veja também|você pode gostar|próximo post)\s*:",
    r"(?:lees ook|lees meer|zie ook|meer over|gerelateerd)\s*:",
    r"(?:listen|watch|video|gallery|photo gallery|in pictures|podcast|bildergalerie|vidéo|galerie|galería|galleria)\s*:",
    r"(?:tags?|topics|filed under|keywords|schlagwörter|schlagworte|themen|mots-clés|etiquetas|tópicos|trefwoorden)\s*:",
    # subscribing and following
    r"(?:subscribe|sign up|unsubscribe) (?:to|for|here|now|today|by|:)",
    r"sign up\s*:|newsletter\s*:|lettre d['’]information\s*:|la newsletter\b",
    r"get (?:the|our|all) .{1,60} (?:inbox|newsletter)|.{1,60} in your inbox",
    r"(?:you (?:get|receive|are receiving) this|you['’]re receiving this|sie erhalten diese|vous recevez ce|"
    r"recibe(?:s)? este|ricevi questa|você (?:está recebendo|recebe) est[ea]|u ontvangt deze) ?(?:e-?mail|mail|message|correo|"
    r"newsletter|nieuwsbrief|lettre)?\b.{0,30}",
    r"\(?(?:dpa|afp|ap|reuters|ansa|efe|anp|lusa|apa|sda|ats|afx)(?:[/, -]+(?:dpa|afp|ap|reuters|ansa|efe|anp|lusa|apa|sda|ats|afx))*\)?\Z",
    r"(?:newsletter|abonnieren sie|jetzt abonnieren|melden sie sich) .{0,40}(?:abonnieren|an|newsletter)",
    r"(?:abonnez-vous|inscrivez-vous|recevez|recevoir l['’]infolettre|nos offres d['’]abonnement|espace abonnés)",
    r"(?:suscríbete|apúntate|recibe nuestr|iscriviti|abbonati|assine a|receba noss|inscreva-se|abonneer|schrijf je in)",
    r"(?:follow|join|folgen sie|suivez|sigue a|seguici|siga|volg) (?:us|uns|nous|nos|ons|.{1,30} on (?:facebook|x|twitter))\b",
    r"send to a friend|reenvía este|darte de baja|forward (?:this|to)",
    r"buy me a coffee|buy the .{1,40}: compare",
    # texts for subscribers
    r"(?:this|the rest of this|to read the rest of this) (?:article|story|content) is (?:only |exclusively |reserved )?"
    r"(?:for|available to) (?:our )?(?:paying )?(?:subscribers|members)|continue reading with|"
    r"already (?:a|an) (?:\w+ )?(?:subscriber|member)\b|cancel any ?time",
    r"(?:jetzt )?weiterlesen mit\b|dieser (?:artikel|beitrag|text) ist (?:nur )?für (?:unsere )?abonnent|"
    r"(?:sie haben|du hast|haben sie) (?:bereits|schon) ein .{0,12}abo|(?:bereits|schon) abonnent|(?:monatlich|jederzeit) kündbar",
    r"(?:la suite|cet article|la lecture) (?:de cet article )?est réservée?\b|déjà abonnée?|sans engagement",
    r"(?:contenido|artículo|noticia) (?:exclusiv[oa]|sol[oa]) para (?:suscriptores|socios)|¿?ya (?:es|eres) (?:suscriptor|socio)|"
    r"sin permanencia",
    r"(?:contenuto|articolo) (?:riservato|esclusivo)\b|sei già abbonato|disdici quando",
    r"(?:conteúdo|matéria) (?:exclusiv[oa]|restrit[oa])\b|já (?:é|sou) assinante|cancele quando",
    r"dit artikel is (?:alleen|exclusief|enkel) voor (?:onze )?(?:abonnees|leden)|(?:al|reeds) (?:abonnee|lid)\b|"
    r"(?:maandelijks|dagelijks) opzegbaar",
    # law and money
    r"(?:©|\(c\)|copyright (?:©|by\b|\d{4}))",
    r"(?:this|our) (?:site|website|page) (?:uses|contains) (?:cookies|affiliate)|we use cookies|we and our \d+ partners",
    r"wir (?:nutzen|verwenden) cookies|nous (?:et nos|utilisons) .{0,20}(?:partenaires|cookies)|"
    r"(?:usamos|utilizamos|este sitio (?:usa|utiliza)) .{0,12}cookies|(?:questo sito )?utilizz(?:a|iamo) .{0,12}cookie|"
    r"(?:wij|deze site) gebruik(?:en|t) cookies",
    r"\[?(?:sponsored|advertisement|anzeige|werbung|publicité|publicidad|pubblicità|advertentie)\]?\s*[:\]]",
    # credits and times
    r"\[?(?:photos?|photographs?|images?|pictures?|illustrations?|fotos?|bild(?:er)?|titelbild|grafik|imágenes|imagen|"
    r"immagine|imagem|beeld|credits?|crédit(?:s)?(?: photo)?|photo credit|bildquelle|fotograf[ií]a)\s?(?: by | von |:|©|/)",
    r"\(?(?:additional )?(?:reporting|writing|editing) (?:by|from)\b",
    r"(?:source|quelle|fuente|fonte|bron|sources|quellen)\s?:",
    r"(?:press(?:e|e-)?|media|pers)?[ ]?(?:contact|kontakt|contacto|contatto|contato)"
    r"(?: (?:for|für|para|per|pour|à|de|presse|prensa|stampa)[^:]{0,30})?\s?:|ufficio stampa\s?:|"
    r"note to editors\s?:|per informazioni\s?:",
    r"last (?:updated|modified)|reading time|lesezeit|temps de lecture|tiempo de lectura|tempo di lettura|"
    r"tempo de leitura|leestijd",
)

PUBLISHED = (
    r"(?:(?:last )?(?:published|updated|posted|modified)(?: (?:on|at))?|date|"
    r"(?:veröffentlicht|aktualisiert|stand|erschienen)(?: am)?|(?:publié|mis à jour|paru)e?(?: le)?|"
    r"(?:publicado|actualizado|atualizado)(?: el| em| a las)?|(?:pubblicato|aggiornato)(?: il)?|"
    r"(?:gepubliceerd|bijgewerkt|geplaatst)(?: op)?)\b\s*:?\s*"
)
"""What stands before a publication date."""

AGO = (
    r"\d+ (?:minutes?|mins?|hours?|days?|weeks?|months?|years?) ago|vor \d+ (?:minuten?|stunden?|tag(?:en)?|wochen?|"
    r"monat(?:en)?|jahr(?:en)?)|il y a \d+ \w+|hace \d+ \w+|\d+ \w+ fa|há \d+ \w+|\d+ \w+ geleden|"
    r"\d+ min(?:ute[ns]?|uti|utos|uten)?\.?(?: read| lesezeit| de lecture)?"
)

BY = r"by|posted by|written by|von|par|por|di|door|text von|un article de"
"""What stands before an author's name."""

RUBRICS = (
    r"opinion|comment|analysis|feature|news|politics|business|technology|tech|background|world|science|interview|essay|"
    r"meinung|kommentar|analyse|hintergrund|wirtschaft|politik|wissen|digital|nachrichten|tribune|opinión|análisis|"
    r"editorial|commento|analisi|opinião|análise|opinie|achtergrond|nieuws|update|breaking|exclusive|exklusiv|key (?:takeaways|points|events)|highlights|summary|in (?:brief|short)|"
    r"at a glance|auf einen blick|das wichtigste.{0,12}|zusammenfassung|l['’]essentiel|en bref|en resumen|in breve|in sintesi|"
    r"em resumo|samenvatting|in het kort"
)
"""Words that stand alone above an article and are no author's name."""

COMMENT_SECTION = (
    rf"(?:leave|post|write|add) a (?:{_COMMENTS})|(?:{_COMMENTS})(?: ?\(\d+\))?|rate this article:?|"
    r"schreibe(?:n sie)? einen kommentar|kommentar schreiben|laisser un commentaire|(?:deja|dejar) un comentario|"
    r"lascia un commento|deixe (?:um|seu) comentário|laat een reactie achter|plaats een reactie"
)
RELATED_SECTION = (
    r"(?:read|watch) next|related(?: articles| stories| posts)?|see also|more (?:on this|stories|news)|you might also like|"
    r"you may also like|most read|mehr zum thema|das könnte (?:sie|dich) auch interessieren|lesen sie auch|meistgelesen|"
    r"(?:à )?lire aussi|sur le même sujet|te puede interesar|lea también|noticias relacionadas|leggi anche|"
    r"potrebbe interessarti|leia também|veja também|lees ook|meer over dit onderwerp"
)


def whole(*patterns: str) -> Callable[[str], bool]:
    """True for a text that is one of the patterns from beginning to end."""
    return _matcher(rf"(?:{'|'.join(patterns)})\Z")


def opening(*patterns: str) -> Callable[[str], bool]:
    """True for a text that begins with one of the patterns."""
    return _matcher(rf"(?:{'|'.join(patterns)})")


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Case is folded beforehand: only then does `re` tell from the first letter which alternatives can't match."""
    compiled = re.compile(pattern)
    return lambda text: compiled.match(text.lower()) is not None
