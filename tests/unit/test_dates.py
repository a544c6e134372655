"""When a position was held: real strings of seven languages, in an article of 15 June 2024 unless another is given."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance_service.dates import held_at

PUBLISHED = date(2024, 6, 15)

WRITTEN = [
    ("en", "In March 2019 the company closed its code.", "2019-03"),
    ("en", "On 5 March 2019 the lab signed an exclusive licence.", "2019-03-05"),
    ("en", "On March 5th, 2019, the lab signed it.", "2019-03-05"),
    ("en", "The lab promised openness in 2015.", "2015"),
    ("en", "It was founded as a non-profit in the spring of 2016.", "2016-21"),
    ("en", "Three years ago the firm published everything.", "2021"),
    ("en", "Two months ago it changed its mind.", "2024-04"),
    ("en", "Last year he called it a mistake.", "2023"),
    ("en", "Last month she defended the licence.", "2024-05"),
    ("en", "In February the firm closed its model.", "2024-02"),
    ("en", "In October the firm closed its model.", "2023-10"),
    ("en", "He said in May that it may close.", "2024-05"),
    ("en", "On 2021-07-08 it released the weights.", "2021-07-08"),
    ("de", "Im März 2019 schloss die Firma ihren Code.", "2019-03"),
    ("de", "Am 5. März 2019 unterschrieb das Labor.", "2019-03-05"),
    ("de", "Am 05.03.2019 unterschrieb das Labor.", "2019-03-05"),
    ("de", "Im Frühjahr 2019 war noch alles offen.", "2019-21"),
    ("de", "Vor drei Jahren veröffentlichte die Firma alles.", "2021"),
    ("de", "Vor zwei Monaten änderte sie ihre Meinung.", "2024-04"),
    ("de", "Im vergangenen Jahr nannte er das einen Fehler.", "2023"),
    ("fr", "En mars 2019, l'entreprise a fermé son code.", "2019-03"),
    ("fr", "Le 1er mars 2019, le laboratoire a signé.", "2019-03-01"),
    ("fr", "Au printemps 2019, tout était ouvert.", "2019-21"),
    ("fr", "Il y a trois ans, elle publiait tout.", "2021"),
    ("fr", "L’an dernier, il parlait d’erreur.", "2023"),
    ("fr", "Le mois dernier, il a changé d'avis.", "2024-05"),
    ("es", "En marzo de 2019 la empresa cerró su código.", "2019-03"),
    ("es", "El 5 de marzo de 2019 firmó.", "2019-03-05"),
    ("es", "En la primavera de 2019 todo era abierto.", "2019-21"),
    ("es", "Hace tres años lo publicaba todo.", "2021"),
    ("es", "El año pasado lo llamó un error.", "2023"),
    ("it", "Nel marzo 2019 l'azienda chiuse il codice.", "2019-03"),
    ("it", "Il 5 marzo 2019 firmò.", "2019-03-05"),
    ("it", "Nella primavera del 2019 tutto era aperto.", "2019-21"),
    ("it", "Tre anni fa pubblicava tutto.", "2021"),
    ("it", "L'anno scorso lo definì un errore.", "2023"),
    ("pt", "Em março de 2019 a empresa fechou o código.", "2019-03"),
    ("pt", "Em 5 de março de 2019 assinou.", "2019-03-05"),
    ("pt", "Na primavera de 2019 tudo era aberto.", "2019-21"),
    ("pt", "Há três anos publicava tudo.", "2021"),
    ("pt", "No ano passado chamou-lhe um erro.", "2023"),
    ("nl", "In maart 2019 sloot het bedrijf zijn code.", "2019-03"),
    ("nl", "Op 5 maart 2019 tekende het lab.", "2019-03-05"),
    ("nl", "In het voorjaar van 2019 was alles open.", "2019-21"),
    ("nl", "Drie jaar geleden publiceerde het alles.", "2021"),
    ("nl", "Vorig jaar noemde hij het een fout.", "2023"),
    ("xx", "2019-03-05: signed.", "2019-03-05"),
]

FOUND_IN_ARTICLES = [
    ("en", "2024-11-05", "When I joined in 2018 we uploaded every paper on the day it was finished.", "2018"),
    ("en", "2023-04-03", "At the meeting in November we moved that the source be taken off the web.", "2022-11"),
    ("de", "2024-05-23", "Unstrittig ist, dass sie den Quelltext im Januar 2022 vom Netz nahm.", "2022-01"),
    ("de", "2025-07-11", "Die Mitglieder haben im Mai gegen den Einstieg eines Finanzinvestors gestimmt.", "2025-05"),
    ("de", "2021-09-02", "Im vergangenen Monat hat sich die Firma drei Gensequenzen schützen lassen.", "2021-08"),
    ("de", "2024-03-28", "Bis 2020 haben wir jedes unserer Sprachmodelle ins Netz gestellt.", "2020"),
    ("fr", "2025-09-12", "Comme il le faisait en avril 2021 devant notre congrès.", "2021-04"),
    ("fr", "2023-03-15", "Il n'a pas contesté que la bibliothèque ait été fermée le 4 juillet 2018.", "2018-07-04"),
    ("fr", "2025-01-31", "C'est gravé dans ses statuts depuis 1954.", "1954"),
    ("es", "2022-03-02", "Hace exactamente cuatro años, en marzo de 2018, el laboratorio lo juró.", "2018-03"),
    ("es", "2023-09-07", "Uno de ellos publicó la secuencia por su cuenta el 15 de agosto.", "2023-08-15"),
    ("es", "2024-11-22", "Todo su catálogo, 340 títulos, puede bajarse sin pagar desde 2016.", "2016"),
    ("it", "2023-12-04", "Poi, nel febbraio 2014, il codice sparì dietro una licenza a pagamento.", "2014-02"),
    ("it", "2022-10-17", "«Io stessa, nel 2017, firmai la delibera che riservava i dati.»", "2017"),
    ("pt", "2024-05-17", "Barrancos leu-lhe então a ata de 8 de outubro de 2021.", "2021-10-08"),
    ("pt", "2022-04-08", "Em janeiro, o instituto assinou um acordo que reserva as sequências.", "2022-01"),
    ("nl", "2024-04-11", "Volgens haar was de afspraak in 2018 dat winst nooit het doel zou worden.", "2018"),
    ("nl", "2023-09-14", "Daar tekende directeur Koos van Limbeek in juni een overeenkomst.", "2023-06"),
]

NO_OTHER_TIME = [
    ("en", "It may march on."),
    ("en", "It released the weights on Tuesday."),
    ("en", "On Friday, 14 June 2024, it released the weights."),
    ("en", "The model will be closed in 2026."),
    ("en", "The licence costs $2015 a year."),
    ("en", "The licence costs 2015 dollars, or 20 15 cents."),
    ("en", "It has 1,975 members and 12,019 followers."),
    ("de", "Die Firma soll 2026 schließen."),
    ("de", "Die Lizenz kostet 2015 Euro."),
    ("fr", "La licence coûte 2015 euros."),
    ("en", ""),
]


@pytest.mark.parametrize(("language", "sentence", "expected"), WRITTEN)
def test_a_time_in_the_sentence_is_when(language: str, sentence: str, expected: str) -> None:
    assert held_at(sentence, (0, len(sentence)), PUBLISHED, language) == expected


@pytest.mark.parametrize(("language", "published", "sentence", "expected"), FOUND_IN_ARTICLES)
def test_times_as_articles_give_them_are_read(language: str, published: str, sentence: str, expected: str) -> None:
    assert held_at(sentence, (0, len(sentence)), date.fromisoformat(published), language) == expected


@pytest.mark.parametrize(("language", "sentence"), NO_OTHER_TIME)
def test_without_another_time_the_publication_counts(language: str, sentence: str) -> None:
    assert held_at(sentence, (0, len(sentence)), PUBLISHED, language) is None


@pytest.mark.parametrize(
    ("language", "before", "sentence", "expected"),
    [
        ("en", "It was founded in 2015. ", "At the time it promised to share everything.", "2015"),
        ("de", "Gegründet wurde sie im Jahr 2015. ", "Damals versprach sie Offenheit.", "2015"),
        ("fr", "Elle fut fondée en 2015. ", "À l'époque, elle promettait l'ouverture.", "2015"),
        ("es", "Se fundó en 2015. ", "En aquel momento prometía apertura.", "2015"),
        ("it", "Fu fondata nel 2015. ", "Allora prometteva apertura.", "2015"),
        ("pt", "Foi fundada em 2015. ", "Na época prometia abertura.", "2015"),
        ("nl", "Het werd opgericht in 2015. ", "Destijds beloofde het openheid.", "2015"),
        ("en", "It was founded in 2015. ", "It promises to share everything.", None),
        ("en", "March 2019\n", "The lab signs an exclusive licence.", "2019-03"),
        ("en", "2016: ", "The lab publishes everything.", "2016"),
    ],
)
def test_a_sentence_may_point_back_or_stand_under_a_date(
    language: str, before: str, sentence: str, expected: str | None
) -> None:
    body = before + sentence
    assert held_at(body, (len(before), len(body)), PUBLISHED, language) == expected


@given(
    st.text(alphabet=st.sampled_from("0123456789 .,-/abMarchJun äöü年前\n"), max_size=200),
    st.dates(date(1990, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["en", "de", "fr", "es", "it", "pt", "nl", "zh"]),
)
def test_no_text_breaks_it_and_no_time_lies_after_publication(body: str, published: date, language: str) -> None:
    found = held_at(body, (0, len(body)), published, language)
    assert found is None or int(found[:4]) <= published.year
