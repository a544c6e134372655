"""What is furniture of a page and what is the article: tables of real lines by language."""

import pytest

from ingest_service.clutter import article_lines, byline, is_clutter, is_name
from tests.documents import PROSE

FURNITURE = {
    "en": [
        "n.hallbrandt@daily.example.com",
        "Share on facebook",
        "Share this story",
        "Share: Facebook | X | E-mail | Print",
        "Save article | Gift article | 14 comments",
        "Skip to main content",
        "Home > Politics > Digital",
        "News | Sport | Opinion | Letters",
        "Your email address will not be published. Required fields are marked *",
        "Please enter email address.",
        "Looks good!",
        "Rate this article:",
        "Was this article helpful? Yes / No",
        "Photo: The Senate building. Credit: Capitol Desk / file",
        "Illustration by Pete Ryan",
        "Image created by AI",
        "Published March 13, 2024",
        "Last updated: 15 Sep 2021. Reading time: 4 minutes. This site uses cookies. [Accept] [Manage]",
        "2 months ago",
        "Related: Ten settings you forgot | Subscribe to our feed",
        "You get this because you signed up. Unsubscribe",
        "© Atlantic News Agency. Reproduction without permission prohibited.",
        "Advertisement",
        "Tags: GPT-4, papers, drama",
        "- Source: Microsoft Blog",
        "★★★★☆",
        "###",
    ],
    "de": [
        "Lesezeit: 2 Minuten | Merken | Teilen | Drucken",
        "Startseite › Lokales › Bergstadt",
        "Artikel anhören ▶ 02:41",
        "Wir nutzen Cookies. Einstellungen | Zustimmen | Impressum | Datenschutz",
        "Kommentar schreiben",
        "Lesen Sie auch: Storchenpaar brütet auf Funkmast",
        "Veröffentlicht am 3. Februar 2021",
        "vor 2 Monaten",
        "Quelle: LAION",
        "Anzeige",
    ],
    "fr": [
        "Publié le 28 février 2024 à 7 h 12 – Temps de lecture : 3 min",
        "Ajouter à vos sélections | Partager",
        "Lire aussi : Qui sont les trois fondateurs ?",
        "Laisser un commentaire",
        "Crédit photo : Célestin Burnier",
        "il y a 3 heures",
    ],
    "es": [
        "Compartir en WhatsApp | Lo más leído",
        "Te puede interesar: Los juegos gratis de la semana",
        "Deja un comentario",
        "Suscríbete gratis · Aviso legal y política de cookies",
        "hace 2 meses",
    ],
    "it": [
        "Condividi su Facebook | Stampa",
        "Leggi anche: Apre la biblioteca dei ragazzi",
        "Lascia un commento",
        "© Riproduzione riservata",
    ],
    "pt": [
        "Compartilhe: Facebook · X · WhatsApp | Ouvir a notícia",
        "Leia também: teclado mecânico vale a pena?",
        "Deixe seu comentário",
        "há 2 meses",
    ],
    "nl": [
        "Deel dit artikel | Bewaar | 27 reacties",
        "Lees ook: Open monumentendag trekt recordaantal bezoekers",
        "Reageren? Log in of maak een gratis account aan",
        "2 maanden geleden",
    ],
}

ARTICLE = [
    "OpenAI is trying to benefit humanity",
    "Background",
    "What does Jurgis Banevicius say?",
    "Share prices fell after the announcement, and the company said nothing.",
    "Save for Microsoft, no large firm backed the plan.",
    "Print is dead, said the editor.",
    "Subscribers were told on Monday that the model would stay closed.",
    "Home computers made it possible, she said.",
    "Published in 2019, the paper argued that models should be open.",
    "Comments by Musk angered the board.",
    "“Follow us if you like, but we will not share the code,” he said.",
    "Kommentare wollte der Konzern nicht abgeben.",
    "Teilen will die Firma ihre Daten nicht.",
    "Partager ses modèles, dit-il, serait une erreur.",
    "Compartir el código sería un error, dijo la empresa.",
    "Copyright is the heart of the dispute, and the judge said that she would rule on it before the end of the summer.",
    "Dear owners, we will never sell.",
    "Q: And the money?",
    "Handschuhe.",
    "Darauf antwortete Elon mit „Ja.“",
    "| Moorcroft Devices will publish the programming manual of its camera chip. Hobbyists had asked for it for years.",
]


@pytest.mark.parametrize("line", [line for lines in FURNITURE.values() for line in lines])
def test_furniture_of_a_page_is_recognised(line: str) -> None:
    assert is_clutter(line)


@pytest.mark.parametrize("line", ARTICLE)
def test_a_line_of_the_article_is_no_furniture(line: str) -> None:
    assert not is_clutter(line)


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("By Noor Hallbrandt", "Noor Hallbrandt"),
        ("By Andrejs Ozolins-Reyes | 2 March 2023, 06:30", "Andrejs Ozolins-Reyes"),
        ("Von Wendelin Krusche", "Wendelin Krusche"),
        ("Par Ségolène Tavernier, radiologue", "Ségolène Tavernier"),
        ("Por Mateo Cifuentes", "Mateo Cifuentes"),
        ("Door Hanneke Bolt", "Hanneke Bolt"),
        ("By our consumer affairs staff", None),
        ("By Monday the firm had changed its mind.", None),
        ("Von Anfang an war er dagegen.", None),
    ],
)
def test_a_byline_names_its_author(line: str, author: str | None) -> None:
    assert byline(line) == author


@pytest.mark.parametrize("text", ["Opinion", "Hintergrund", "OPINION", "What changed?", "Sana Khan said"])
def test_a_rubric_or_sentence_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_a_comment_form_goes_with_everything_after_it() -> None:
    lines = [*PROSE, "Leave a Comment", "Dave from Ohio", "I agree!"]
    assert article_lines(lines) == list(PROSE)


def test_a_word_about_comments_above_the_text_takes_nothing_along() -> None:
    assert article_lines(["Leave a comment", "Background", *PROSE]) == ["Background", *PROSE]


def test_a_list_of_other_articles_ends_where_the_text_goes_on() -> None:
    lines = [PROSE[0], "Read next", "• Chip stocks climb for fifth day", "• Who sits on the new board?", PROSE[1]]
    assert article_lines(lines) == list(PROSE)


def test_an_author_box_at_the_end_goes() -> None:
    assert article_lines([*PROSE, "Sana Khan", "Sana Khan", "Product of the '90s."]) == list(PROSE)


def test_a_line_without_blanks_of_a_million_characters_is_looked_at_quickly() -> None:
    assert not is_clutter("a" * 1_000_000)
