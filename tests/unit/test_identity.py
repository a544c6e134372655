"""Which addresses are one page, and which changes make another revision: tables of real-looking pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.identity import address, article_id, fingerprint
from ingest_service.sources import Known
from ingest_service.urls import NotWebError, canonical_url, page_key
from shared.errors import BadInputError
from tests.documents import PROSE, article

PAGE = "https://www.daily.example/politics/acme-opens-its-model-1234567"

SAME_PAGE = [
    PAGE,
    f"{PAGE}/",
    f"{PAGE}#comments",
    f"{PAGE}#:~:text=open%20model",
    f"  {PAGE} ",
    "HTTP://WWW.Daily.Example:80/politics/acme-opens-its-model-1234567",
    "https://www.daily.example:443/politics/./old/../acme-opens-its-model-1234567",
    "https://daily.example/politics//acme-opens-its-model-1234567",
    "https://daily.example./politics/%61cme-opens-its-model-1234567",
    "https://reader:secret@daily.example/politics/acme-opens-its-model-1234567",
    f"{PAGE}?utm_source=newsletter&utm_medium=email&utm_campaign=morning",
    f"{PAGE}?fbclid=IwAR0abc&gclid=CjwK",
    f"{PAGE}?at_medium=RSS&at_campaign=rss",
    f"{PAGE}?mc_cid=1f&mc_eid=2a&mkt_tok=NDE5",
    f"{PAGE}?ref=rss",
    f"{PAGE}?source=twitter&via=desk",
    f"{PAGE}?xtor=RSS-3208&smid=tw-share",
    f"{PAGE}?wt_mc=rss.red.politik",
    f"{PAGE}?guccounter=1&guce_referrer=aHR0&guce_referrer_sig=AQAA",
    f"{PAGE}?PHPSESSID=0123456789abcdef0123456789abcdef",
    f"{PAGE};jsessionid=1A2B3C",
    f"{PAGE}?&",
    "https://m.daily.example/politics/acme-opens-its-model-1234567",
    "https://mobile.daily.example/politics/acme-opens-its-model-1234567?m=1",
    "https://amp.daily.example/politics/acme-opens-its-model-1234567",
    "https://daily.example/amp/politics/acme-opens-its-model-1234567",
    f"{PAGE}/amp",
    f"{PAGE}/amp/?usqp=mq331AQ",
    f"{PAGE}.amp",
    f"{PAGE}?amp",
    f"{PAGE}?amp=1",
    f"{PAGE}?outputType=amp",
    f"{PAGE}?outputType=amp-type",
    f"{PAGE}?print=1",
    f"{PAGE}/print/",
    f"{PAGE}?view=print",
    f"{PAGE}/index.html",
    "https://www-daily-example.cdn.ampproject.org/c/s/www.daily.example/politics/acme-opens-its-model-1234567/amp/",
    "https://www.google.com/amp/s/www.daily.example/politics/acme-opens-its-model-1234567?amp=1",
]

OTHER_PAGES = [
    (PAGE, f"{PAGE}8"),
    (PAGE, "https://www.daily.example/sport/acme-opens-its-model-1234567"),
    (PAGE, "https://business.daily.example/politics/acme-opens-its-model-1234567"),
    (PAGE, "https://www.weekly.example/politics/acme-opens-its-model-1234567"),
    (PAGE, "https://www.daily.example:8443/politics/acme-opens-its-model-1234567"),
    (PAGE, "https://www.daily.example/politics/Acme-opens-its-model-1234567"),
    ("https://x.example/article.php?id=1", "https://x.example/article.php?id=2"),
    ("https://x.example/?p=17", "https://x.example/?p=18"),
    ("https://x.example/story?cid=17", "https://x.example/story?cid=18"),
    ("https://x.example/story?source=17", "https://x.example/story?source=18"),
    ("https://x.example/story?gallery=1", "https://x.example/story?gallery=2"),
    ("https://x.example/live?page=1", "https://x.example/live?page=2"),
    ("https://x.example/guitar-amp.html", "https://x.example/guitar.html"),
    ("https://x.example/#!/story/1", "https://x.example/#!/story/2"),
    ("https://x.example/a?q=1%262", "https://x.example/a?q=1&2"),
    ("https://xn--bcher-kva.example/1", "https://xn--bche-5qa.example/1"),
    ("https://m.example/1", "https://www.example/2"),
]


@pytest.mark.parametrize("url", SAME_PAGE)
def test_a_page_is_one_article_at_all_its_addresses(url: str) -> None:
    assert article_id("a", "b", url) == article_id("c", "d", PAGE)


@pytest.mark.parametrize(("one", "other"), OTHER_PAGES)
def test_two_pages_are_two_articles(one: str, other: str) -> None:
    assert article_id("a", "b", one) != article_id("a", "b", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://bücher.example/1", "https://xn--bcher-kva.example/1"),
        ("https://x.example/b%c3%bccher", "https://x.example/bücher"),
        ("https://x.example/s?b=2&a=1", "https://x.example/s?a=1&b=2"),
        ("https://de.m.wikipedia.example/wiki/Open_Source", "https://de.wikipedia.example/wiki/Open_Source"),
        ("https://x.example/thema-druck.html", "https://x.example/thema.html"),
    ],
)
def test_other_spellings_of_an_address_are_the_same_page(one: str, other: str) -> None:
    assert page_key(one) == page_key(other)


def test_the_url_shown_still_leads_to_the_page() -> None:
    shown = canonical_url("https://M.Daily.example/a-b-c?id=7&utm_source=x&amp=1#top")
    assert shown == "https://m.daily.example/a-b-c?id=7&amp=1"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "file:///etc/passwd", "mailto:a@b.example", "daily.example/a", "http://[::1", "https://",
        "http:///a", "https://x.example:port/", "https://x.example/\ud800", "https://x.example/" + "a" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(NotWebError, match=r"URL|host"):
        canonical_url(url)
    with pytest.raises(BadInputError, match=r"a\.txt: its url"):
        article(known=Known(url=url))


@given(st.text(max_size=80))
def test_any_address_is_canonical_after_one_step_or_refused(text: str) -> None:
    try:
        once = canonical_url(f"https://x.example/{text}")
    except NotWebError:
        return
    assert canonical_url(once) == once
    assert page_key(once) == page_key(f"https://x.example/{text}")


FOUND = "https://www.daily.example/politics/acme-opens-its-model?page=2"


@pytest.mark.parametrize(
    ("found_at", "declared", "chosen"),
    [
        (FOUND, "https://daily.example/politics/acme-opens-its-model", "declared"),
        (FOUND, "https://news.daily.example/2024/03/13/acme-opens-its-model", "declared"),
        (FOUND, "https://www.daily.example/", "found"),
        (FOUND, "https://www.daily.example/politics/", "found"),
        (FOUND, "https://www.agency.example/politics/acme-opens-its-model", "found"),
        ("https://www.daily.example/", "https://daily.example/", "declared"),
        ("https://one.blogspot.com/2024/03/acme-opens-its-model.html", "https://two.blogspot.com/a-b-c.html", "found"),
        (FOUND, None, "found"),
        (None, "https://daily.example/politics/acme-opens-its-model", "declared"),
        (None, None, "found"),
    ],
)
def test_a_declared_address_counts_when_it_is_believable(
    found_at: str | None, declared: str | None, chosen: str
) -> None:
    assert address(found_at, declared) == (declared if chosen == "declared" else found_at)


TEXT = f"Acme opens its model\n\n{PROSE[0]}\n\n{PROSE[1]}"

TRIVIAL = [
    TEXT.replace("\n\n", "\n\n\n\n").replace(" ", "\u00a0"),
    TEXT.replace("“", '"').replace("”", '"').replace("’", "'"),
    TEXT.replace("“", "«\u202f").replace("”", "\u202f»"),
    TEXT.replace(", who", " – who"),
    TEXT.replace(".\n\n“", ". “"),
    TEXT.replace("opens", "opens"),
    f"{TEXT}\n\nAdvertisement",
    f"{TEXT}\n\n27 Comments",
    f"{TEXT}\n\nShare: Facebook | X | E-mail",
    *(TEXT.replace("model\n\n", f"model\n\n{line}\n\n", 1) for line in (
        "Updated 5 min ago",
        "Updated 5 minutes ago",
        "Last updated: 14 March 2024, 10:31",
        "Updated on March 14, 2024 at 6:05 p.m. EDT",
        "14 March 2024",
        "March 14, 2024, 6:05 PM",
        "14.03.2024, 18:05 Uhr",
        "Stand: 14.03.2024, 18:05 Uhr",
        "Aktualisiert vor 5 Minuten",
        "Mis à jour le 14 mars 2024 à 18 h 05",
        "Il y a 5 minutes",
        "Actualizado a las 18:05",
        "Aggiornato 5 minuti fa",
        "Atualizado há 5 minutos",
        "Bijgewerkt 5 minuten geleden",
        "5 min read",
        "1,204 views",
        "312 shares",
        "1.204 Kommentare",
        "Be the first to comment",
        "Listen to this article (4 min)",
        "18:05",
    )),
]  # fmt: skip

CHANGES = [
    TEXT.replace("would publish", "would not publish"),
    TEXT.replace("anybody", "nobody"),
    TEXT.replace("Monday", "Tuesday"),
    TEXT.replace("a year", "two years"),
    TEXT.replace("Acme opens its model", "Acme closes its model"),
    TEXT.replace(PROSE[1], ""),
    TEXT.replace("use it.", "use it for 5%."),
    TEXT.replace("use it.", "use it?"),
    f"{TEXT}\n\nThe company withdrew the announcement on Wednesday.",
    f"{TEXT}\n\nCorrection: an earlier version misstated who had refused.",
    TEXT.replace("Jane Roe", "Janet Roe"),
]


@pytest.mark.parametrize("text", TRIVIAL)
def test_a_trivial_change_is_no_revision(text: str) -> None:
    assert fingerprint(article(text)) == fingerprint(article(TEXT))


@pytest.mark.parametrize("text", CHANGES)
def test_a_changed_text_is_a_revision(text: str) -> None:
    assert fingerprint(article(text)) != fingerprint(article(TEXT))


def test_a_counter_in_the_title_is_no_revision() -> None:
    titles = [Known(title=f"Acme opens its model ({counter})") for counter in ("3 comments", "1,204", "27 Kommentare")]
    assert len({fingerprint(article(known=known)) for known in titles}) == 1
