"""A raw document to an article."""

from datetime import UTC, datetime

import pytest

from ingest_service.normalise import MAX_ARTICLE_BYTES, identify_language
from ingest_service.sources import Known
from shared.errors import BadInputError
from tests.documents import PROSE, READ_AT, SEEDS, article

BODY = "\n\n".join(PROSE)


def test_the_first_heading_is_the_title() -> None:
    assert article(f"Acme opens its model\n\n{BODY}").title == "Acme opens its model"
    assert article(f"Acme opens its model\n{BODY}").title == "Acme opens its model"


def test_a_text_without_heading_has_no_title() -> None:
    found = article(BODY)
    assert (found.title, found.body) == ("", BODY)


def test_a_title_that_is_known_is_removed_from_the_body() -> None:
    found = article(f"Acme opens its model\n\n{BODY}", known=Known(title="Acme opens its model"))
    assert (found.title, found.body) == ("Acme opens its model", BODY)


def test_a_heading_given_twice_goes_before_another() -> None:
    assert article(f"The Daily\n\nAcme opens up\n\nAcme opens up\n\n{BODY}").title == "Acme opens up"


def test_a_caption_above_share_buttons_is_no_title() -> None:
    assert (
        article(f"Jane Roe Acme\nShare on facebook\n\nAcme opens up at last\n\n{BODY}").title == "Acme opens up at last"
    )


def test_subheadings_stay_in_the_body() -> None:
    assert (
        article(f"Acme opens up\n\n{PROSE[0]}\n\nWhat next\n\n{PROSE[1]}").body
        == f"{PROSE[0]}\n\nWhat next\n\n{PROSE[1]}"
    )


@pytest.mark.parametrize("line", ["By Noor Hallbrandt", "Noor Hallbrandt", "Von Noor Hallbrandt | 3. Mai"])
def test_the_author_is_found_and_leaves_the_body(line: str) -> None:
    found = article(f"Acme opens up\n\n{line}\n\n{BODY}")
    assert (found.author, found.body) == ("Noor Hallbrandt", BODY)


@pytest.mark.parametrize(
    "line",
    [
        "Published March 13, 2024",
        "Posted by tk on 13 March 2024, 9 min read",
        "Veröffentlicht am 13. März 2024",
        "Veröffentlicht am 13.03.2024",
        "Publié le 13 mars 2024 à 7 h 12",
        "Publicado el 13 de marzo de 2024",
        "Pubblicato il 13 marzo 2024",
        "Publicado em 13 de março de 2024",
        "Gepubliceerd op 13 maart 2024",
        "Updated: 2024-03-13",
    ],
)
def test_the_publication_date_is_read_from_the_text(line: str) -> None:
    found = article(f"Acme opens up\n\n{line}\n\n{BODY}")
    assert (found.published_at, found.published_origin) == (datetime(2024, 3, 13, tzinfo=UTC), "text")


def test_what_the_source_knows_goes_before_the_text() -> None:
    known = Known(language="de", author="A. B.", published_at=datetime(2020, 1, 2, tzinfo=UTC))
    found = article(f"Acme opens up\n\nBy Noor Hallbrandt\n\nPublished March 13, 2024\n\n{BODY}", known=known)
    assert (found.language, found.author, found.published_at.year, found.published_origin) == (
        "de",
        "A. B.",
        2020,
        "manifest",
    )


def test_an_article_without_date_counts_from_when_it_was_read() -> None:
    found = article()
    assert (found.published_at, found.published_origin) == (READ_AT, "fetched")


def test_a_page_yields_its_article_and_metadata() -> None:
    page = f"""<html><head><title>Acme opens up | The Daily</title><meta name="author" content="Noor Hallbrandt">
    <meta property="article:published_time" content="2024-03-13T10:00:00Z">
    <link rel="canonical" href="https://Daily.example/acme#top"></head><body><nav>Home News Sport</nav><article>
    <h1>Acme opens up</h1><p>{PROSE[0]}</p><p>{PROSE[1]}</p></article><footer>© Daily</footer></body></html>"""
    found = article(page, media_type="text/html")
    assert (found.title, found.body, found.author) == ("Acme opens up", BODY, "Noor Hallbrandt")
    assert (found.published_at.date().isoformat(), found.published_origin) == ("2024-03-13", "meta")
    assert found.url == "https://daily.example/acme"


def test_an_article_is_known_by_its_url_wherever_it_comes_from() -> None:
    known = Known(url="https://daily.example/acme")
    assert article(known=known, source="a", key="x").article_id == article(known=known, source="b", key="y").article_id
    assert article(source="a").article_id != article(source="b").article_id


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"\x00\x01\x02", "binary"),
        (b"Share on facebook\nLeave a Comment", "no article text"),
        (b"a" * (2 * MAX_ARTICLE_BYTES + 1), "split it"),
        (b"word " * (MAX_ARTICLE_BYTES // 5 + 10), "split it"),
    ],
)
def test_what_is_no_article_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason) as refused:
        article(content, key="bad.txt")
    assert str(refused.value).startswith("bad.txt: ")


def test_a_page_without_article_is_refused() -> None:
    with pytest.raises(BadInputError, match="no article was found"):
        article("<html><body></body></html>", media_type="text/html")


def test_a_date_in_the_future_is_refused() -> None:
    with pytest.raises(BadInputError, match="future"):
        article(known=Known(published_at=datetime(2999, 1, 1, tzinfo=UTC)))


def test_a_language_that_is_no_code_is_refused() -> None:
    with pytest.raises(BadInputError, match="language 'English'"):
        article(known=Known(language="English"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The company said that it would publish the model for everybody.", "en"),
        ("Das Unternehmen teilte mit, dass es das Modell für alle veröffentlicht.", "de"),
        ("L'entreprise a annoncé qu'elle publierait le modèle pour tout le monde.", "fr"),
        ("La empresa dijo que publicaría el modelo para que todos lo usaran.", "es"),
        ("L'azienda ha detto che pubblicherà il modello perché tutti lo usino.", "it"),
        ("A empresa disse que publicaria o modelo para que todos o usassem.", "pt"),
        ("Het bedrijf zei dat het model voor iedereen beschikbaar zou worden.", "nl"),
        ("Ja.", "und"),
    ],
)
def test_the_language_is_told_by_the_text(text: str, language: str) -> None:
    assert identify_language(text) == language


SEED_FACTS = {
    "000_6db10e2b9b2e63e8.txt": (
        "Elon Musk Unhappy About Microsoft Teaming Up With OpenAI",
        "Touted as",
        "AI at Scale.",
        8,
    ),
    "001_a576542e6cd838a5.txt": ("Elon Musk Enters AI Open Source Fray", "In a move", "development status quo.", 8),
    "002_e66fe55ed26b97b5.txt": ("", "Elon Musk, the CEO", "safely and responsibly.", 7),
    "003_a0d5d90d7b487b6b.txt": ("Microsoft is partnering with", "Microsoft’s artificial", "consumer platforms.", 8),
    "004_bb9b70fb7da9f08b.txt": ("Elon Musk wollte irgendwann", "Derzeit befindet", "auf dem Laufenden halten.", 11),
}


@pytest.mark.parametrize("name", SEED_FACTS)
def test_a_seed_article_comes_out_whole_and_without_clutter(name: str) -> None:
    title, start, end, paragraphs = SEED_FACTS[name]
    raw = (SEEDS / name).read_text()
    found = article(raw)
    assert found.title.startswith(title)
    assert found.body.startswith(start)
    assert found.body.endswith(end)
    assert len(found.body.split("\n\n")) == paragraphs
    assert all(paragraph in raw for paragraph in found.body.split("\n\n"))
    assert not any(
        word in found.body for word in ("Leave a", "Share", "Rate this", "Oscar", "Sana Khan", "Illustration")
    )
