"""What holds for normalisation whatever the input."""

import ftfy
from hypothesis import example, given
from hypothesis import strategies as st

from ingest_service.normalise import normalise
from ingest_service.sources import Known
from ingest_service.text import REPAIR, clean, repaired
from shared.errors import BadInputError
from tests.documents import READ_AT, document

WORDS = st.sampled_from(
    "the company publishes source code models share comment open closed profit die Firma teilen le modèle el código "
    "Musk OpenAI said newsletter that and not photo related money says".split()
)


@st.composite
def sentences(draw: st.DrawFn) -> str:
    """A sentence of an article: it says somebody said something, and ends with a period."""
    words = draw(st.lists(WORDS, min_size=9, max_size=40))
    return f"Acme {' '.join(words)}."


FURNITURE = st.sampled_from(
    [
        "Share on facebook",
        "Leave a Comment",
        "Read next",
        "Advertisement",
        "© Daily",
        "Home > News > Tech",
        "3 Kommentare",
    ]
)


MOJIBAKE = st.text("aE .,’‘“”–—…«»éàüñßÃ¢â€™œ¶&;<\u00a0\u0081\x1bﬁ\n\r", max_size=40)


@given(st.binary(max_size=2000) | st.text(max_size=2000).map(str.encode))
def test_any_bytes_become_an_article_or_are_refused_with_a_reason(content: bytes) -> None:
    try:
        article = normalise(document(content), READ_AT)
    except BadInputError as error:
        assert error.reason
    else:
        assert article.body.strip()


@given(st.text(max_size=1500))
def test_any_page_becomes_an_article_or_is_refused_with_a_reason(text: str) -> None:
    try:
        normalise(
            document(f"<html><body><article><p>{text}</p></article></body></html>", media_type="text/html"), READ_AT
        )
    except BadInputError as error:
        assert error.reason


@given(st.lists(sentences(), min_size=1, max_size=8, unique=True), st.lists(FURNITURE, max_size=4), st.data())
def test_no_sentence_is_lost_whatever_furniture_stands_between(
    text: list[str], furniture: list[str], data: st.DataObject
) -> None:
    lines = list(text)
    for item in furniture:
        # A comment form below the text may take what follows: it stands above or below all of it here.
        at = data.draw(st.sampled_from([0, len(lines)] if item == "Leave a Comment" else range(len(lines) + 1)))
        lines.insert(at, item)
    body = normalise(document("\n\n".join(lines)), READ_AT).body
    assert [line for line in body.split("\n\n") if line in text] == text


@given(st.lists(sentences(), min_size=1, max_size=8, unique=True))
def test_a_normalised_body_is_its_own_normalisation(text: list[str]) -> None:
    once = normalise(document("\n\n".join(text), known=Known(title="Title")), READ_AT)
    assert normalise(document(once.body, known=Known(title="Title")), READ_AT).body == once.body


@given(st.text(max_size=500) | MOJIBAKE)
@example("\x9c0Â\t0")
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(max_size=80) | MOJIBAKE | MOJIBAKE.map(lambda text: text.encode("utf-8", "replace").decode("latin-1")))
def test_text_is_repaired_as_ftfy_repairs_it(text: str) -> None:
    assert repaired(text) == ftfy.fix_text(text, REPAIR)
