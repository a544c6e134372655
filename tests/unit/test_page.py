"""What a page says of itself, and what is found in layouts that are not made for readers like us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.normalise import normalise
from ingest_service.page import declared_charset, read_page
from ingest_service.sources import Known
from shared.errors import BadInputError
from tests.documents import PROSE, READ_AT, article, document

GERMAN = "Die Firma veröffentlicht ihr Modell für alle, wie sie am Montag mitteilte; groß war die Überraschung überall."


def page(body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head><title>Acme opens up</title>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8", ""),
        ("utf-8", '<meta charset="iso-8859-1">'),
        ("utf-8-sig", '<meta charset="windows-1252">'),
        ("windows-1252", '<meta charset="windows-1252">'),
        ("iso-8859-15", '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-15">'),
        ("utf-16", ""),
    ],
)
def test_a_page_is_read_in_the_encoding_it_has_not_the_one_it_claims(encoding: str, head: str) -> None:
    content = page(f"<article><p>{GERMAN}</p><p>{GERMAN[:-1]} und dort.</p></article>", head).encode(encoding)
    assert article(content, media_type="text/html").body.startswith(GERMAN)


def test_the_encoding_that_a_server_names_goes_before_the_one_in_the_page() -> None:
    content = page(f"<article><p>{GERMAN}</p></article>", '<meta charset="ascii">').encode("windows-1252")
    raw = document(content, media_type="text/html")
    assert normalise(type(raw)(**{**vars(raw), "charset": "windows-1252"}), READ_AT).body == GERMAN


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (b'<meta charset="utf-8">', "utf-8"),
        (b"<META CHARSET=Windows-1252>", "Windows-1252"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?>', "iso-8859-1"),
        (b'<meta http-equiv="content-type" content="text/html; charset=koi8-r">', "koi8-r"),
        (b"<p>charset=utf-8", None),
    ],
)
def test_the_declared_encoding_is_found(content: bytes, charset: str | None) -> None:
    assert declared_charset(content) == charset


def test_a_paragraph_under_the_headline_is_the_first_of_the_text() -> None:
    lead = f'<h1>Acme opens up</h1><p class="article-standfirst">{PROSE[0]}</p>'
    found = read_page(page(f'{lead}<div class="body"><p>{PROSE[1]}</p><p>{GERMAN}</p></div>'), None)
    assert found is not None
    assert found.text.split("\n\n")[0] == PROSE[0]
    assert found.text.count(PROSE[0]) == 1


def test_the_caption_of_a_picture_that_leads_is_no_part_of_the_text() -> None:
    caption = "A photographer of our own took this picture on a very rainy afternoon in the old harbour."
    lead = f'<h1>Acme opens up</h1><div class="lead-asset"><img src="a.jpg"><span>{caption}</span></div>'
    found = read_page(page(f'{lead}<div class="body"><p>{PROSE[0]}</p><p>{PROSE[1]}</p></div>'), None)
    assert found is not None
    assert caption not in found.text


@pytest.mark.parametrize(
    ("title", "headline", "site"),
    [
        ("Acme opens its model » Local » Daily", "Acme opens its model", ""),
        ("Daily's popular page: Acme opens its model", "Acme  opens its\nmodel", ""),
        ("Acme opens its model | Daily Politics", "Another headline", "Daily"),
        ("Acme opens its model", "Daily", "Daily"),
        ("Acme opens its model", "Acme opens", "Daily"),
    ],
)
def test_the_title_of_an_article_is_told_from_its_sites_name(title: str, headline: str, site: str) -> None:
    named = f'<html><head><title>{title}</title><meta property="og:title" content="{title}">'
    named += f'<meta property="og:site_name" content="{site}"></head><body><h1>{headline}</h1><article>'
    found = read_page(f"{named}<p>{PROSE[0]}</p><p>{PROSE[1]}</p></article></body></html>", None)
    assert found is not None
    assert found.known.title == "Acme opens its model"


def test_a_table_that_lays_out_the_page_is_no_table() -> None:
    menu = '<a href="/">Home</a><br><a href="/news">News</a>'
    text = f"<b>Acme opens up</b><br><br>{PROSE[0]}<br><br>{PROSE[1]}"
    found = article(page(f"<table><tr><td>{menu}</td><td>{text}</td></tr></table>"), media_type="text/html")
    assert found.body == "\n\n".join(PROSE)


def test_the_rows_of_a_table_are_lines() -> None:
    rows = "<tr><td>Year</td><td>Revenue</td></tr><tr><td>2023</td><td>15.9 million</td></tr>"
    body = f"<article><p>{PROSE[0]}</p><table>{rows}</table><p>{PROSE[1]}</p></article>"
    assert article(page(body), media_type="text/html").body.split("\n\n")[1:3] == [
        "Year; Revenue",
        "2023; 15.9 million",
    ]


def test_a_brief_is_not_mixed_with_what_surrounds_it() -> None:
    text = f"<article><h1>Acme opens up</h1><p>{PROSE[0]}</p></article>"
    found = article(page(f"<nav><a href=/>Home</a></nav>{text}<footer>About us</footer>"), media_type="text/html")
    assert found.body == PROSE[0]


@pytest.mark.parametrize(
    ("head", "url"),
    [
        (
            '<link rel="canonical" href="https://daily.example/2024/acme-opens-its-model?utm_source=x">',
            "2024/acme-opens-its-model",
        ),
        (
            '<meta property="og:url" content="https://www.daily.example/2024/acme-opens-its-model">',
            "2024/acme-opens-its-model",
        ),
        ('<link rel="canonical" href="https://daily.example/">', "tech/acme-opens-its-model/amp"),
        (
            '<link rel="canonical" href="https://other.example/2024/acme-opens-its-model">',
            "tech/acme-opens-its-model/amp",
        ),
        ('<link rel="canonical" href="javascript:void(0)">', "tech/acme-opens-its-model/amp"),
        ('<base href="https://daily.example/2023/something-else">', "tech/acme-opens-its-model/amp"),
        ("", "tech/acme-opens-its-model/amp"),
    ],
)
def test_a_page_declares_its_address_unless_that_can_t_be(head: str, url: str) -> None:
    found = article(
        page(f"<article><p>{PROSE[0]}</p></article>", head),
        media_type="text/html",
        known=Known(url="https://daily.example/tech/acme-opens-its-model/amp"),
    )
    assert found.url is not None
    assert found.url.endswith(f"daily.example/{url}")


def test_an_article_names_what_extracted_it() -> None:
    content = page(f"<article><p>{PROSE[0]}</p></article>")
    assert "trafilatura-" in article(content, media_type="text/html").normaliser
    assert "trafilatura-" not in article().normaliser


TAGS = st.sampled_from(
    [
        "<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "<br>", "<h1>", "</h1>", "<!--", "-->",
        "<![CDATA[", "]]>", "<script>", "</script>", "<style>", "<a href='", "<svg>", "<math>",
        "<template>", "<frameset>", "&#0;",
        "&#x110000;", "<p class=lead>", "<link rel=canonical href=http://[>", "<meta charset=utf-16>", "<base href=x>",
        "<time datetime=9999-99-99>", "<meta property=article:published_time content=0000-00-00>",
    ]
)  # fmt: skip


@given(st.lists(TAGS | st.text(max_size=30) | st.sampled_from(PROSE), max_size=25).map("".join))
def test_any_markup_becomes_an_article_or_is_refused_with_a_reason(markup: str) -> None:
    try:
        found = normalise(document(markup.encode("utf-8", "replace"), media_type="text/html"), READ_AT)
    except BadInputError as error:
        assert error.reason
    else:
        assert found.body.strip()


@given(
    st.binary(max_size=500), st.sampled_from([None, "utf-8", "utf-16", "windows-1252", "shift_jis", "hex", "nonsense"])
)
def test_any_bytes_of_a_page_become_an_article_or_are_refused_with_a_reason(
    content: bytes, charset: str | None
) -> None:
    raw = document(b"<html><body><p>" + content, media_type="text/html")
    try:
        normalise(type(raw)(**{**vars(raw), "charset": charset}), READ_AT)
    except BadInputError as error:
        assert error.reason
