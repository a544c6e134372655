"""What feeds say, well-formed or not."""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from ingest_service.syndication.feed import MAX_ITEMS, Item
from ingest_service.syndication.read import read_feed
from shared.errors import BadInputError

URL = "https://news.example/feeds/all.xml"

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Example News</title><link>https://news.example/</link><atom:link rel="self" href="all.xml"/>
<ttl>30</ttl><skipHours><hour>1</hour><hour>2</hour></skipHours>
<item><title>Firm &amp; founder &lt;b&gt;agree&lt;/b&gt;</title><link>https://news.example/1?a=1&amp;b=2</link>
<guid isPermaLink="false">id-1</guid><dc:creator>Jo Writer</dc:creator>
<pubDate>Mon, 02 Mar 2026 08:00:00 +0100</pubDate><description>Short.</description>
<content:encoded><![CDATA[<p>Long text & more.</p>]]></content:encoded><media:title>A picture</media:title></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"
 xml:base="https://news.example/a/"><title type="html">Atom &lt;i>News&lt;/i></title>
<at:deleted-entry ref="tag:9" when="2026-03-01T00:00:00Z"><at:comment>Published in error</at:comment></at:deleted-entry>
<entry><id>tag:1</id><title>First</title><link rel="self" href="x.atom"/><link href="1.html"/>
<author><name>Jo Writer</name><email>jo@news.example</email></author>
<published>2026-03-01T10:00:00Z</published><updated>2026-03-01T11:00:00+01:00</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <b>there</b></p></div></content></entry>
<entry><id>tag:2</id><title>Second</title><link href="../2.html"/><content type="text">3 &lt; 4</content></entry>
</feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="/"><title>RDF News</title></channel>
<item rdf:about="https://news.example/1"><title>One</title><link>https://news.example/1</link>
<dc:date>2026-03-01</dc:date><description>Words</description></item></rdf:RDF>"""

JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "JSON News", "items": [
 {"id": 7, "url": "/7", "title": "Seven", "content_html": "<p>Words", "date_published": "2026-03-01T10:00:00Z",
  "date_modified": "2026-03-02T10:00:00Z", "authors": [{"name": "Jo Writer"}]},
 {"id": "8", "external_url": "https://other.example/8", "content_text": "3 < 4"}, "no object"]}"""


def one(feed: str) -> Item:
    [item] = read_feed(feed.encode(), None, URL).items
    return item


def rss(item: str) -> str:
    return f"<rss><channel><item>{item}</item></channel></rss>"


def test_rss_is_read() -> None:
    feed = read_feed(RSS.encode(), None, URL)
    assert (feed.title, feed.stays_for, feed.silent_hours) == ("Example News", timedelta(minutes=30), frozenset({1, 2}))
    assert feed.items == (
        Item(
            key="id-1",
            link="https://news.example/1?a=1&b=2",
            title="Firm & founder agree",
            content="<p>Long text & more.</p>",
            author="Jo Writer",
            published_at=datetime(2026, 3, 2, 7, tzinfo=UTC),
        ),
    )
    assert feed.defects == ()


def test_atom_is_read_with_its_relative_links_and_its_tombstones() -> None:
    feed = read_feed(ATOM.encode(), None, URL)
    first, second = feed.items
    assert feed.title == "Atom News"
    assert (first.link, first.author) == ("https://news.example/a/1.html", "Jo Writer")
    assert (first.published_at, first.updated_at) == (
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    )
    assert "<p>Hello <b>there</b></p>" in first.content
    assert (second.link, second.content, second.markup) == ("https://news.example/2.html", "3 < 4", False)
    [deleted] = feed.withdrawn
    assert (deleted.key, "Published in error" in deleted.reason) == ("tag:9", True)


def test_rdf_is_read() -> None:
    item = one(RDF)
    assert (item.key, item.title, item.content) == ("https://news.example/1", "One", "Words")
    assert item.published_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_json_feed_is_read() -> None:
    feed = read_feed(JSON.encode(), None, URL)
    seven, eight = feed.items
    assert (feed.title, seven.key, seven.link, seven.author) == (
        "JSON News",
        "7",
        "https://news.example/7",
        "Jo Writer",
    )
    assert seven.markup
    assert (eight.link, eight.content, eight.markup) == ("https://other.example/8", "3 < 4", False)
    assert feed.defects == ("1 of its items are no objects",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<title>A & B</title><link>/?a=1&b=2</link>", ("A & B", "https://news.example/?a=1&b=2")),
        ("<title>Caf&eacute;&nbsp;au lait</title>", ("Café au lait", None)),
        ("<title>Unknown &entity; stays</title>", ("Unknown &entity; stays", None)),
        ("<title>&#x42;&#67;&#0;&#xD800;&#x110000;</title>", ("BC", None)),
        ("<title>&#38;amp; &#60;b&#62;</title>", ("&", None)),
        ("<title>\x08Bell</title>", ("Bell", None)),
        ("<dc:title>A prefix never declared</dc:title>", ("A prefix never declared", None)),
        ("<TITLE>Loud</TITLE><LINK>/x</LINK>", ("Loud", "https://news.example/x")),
        ("<guid>https://news.example/g</guid>", (None, "https://news.example/g")),
        ("<guid isPermaLink='false'>https://news.example/g</guid>", (None, None)),
        ("<link>javascript:alert(1)</link>", (None, "javascript:alert(1)")),
        ("<link>http://[broken</link>", (None, "http://[broken")),
    ],
)
def test_what_publishers_get_wrong_is_read_all_the_same(written: str, read: tuple[str | None, str | None]) -> None:
    item = one(rss(written))
    assert (item.title, item.link) == read


def test_a_feed_that_breaks_off_keeps_its_whole_items_and_says_so() -> None:
    items = "".join(f"<item><guid>{n}</guid><description>Text {n}</description></item>" for n in range(3))
    whole = f"<rss><channel>{items}</channel></rss>"
    feed = read_feed(whole[: whole.index("Text 2") + 4].encode(), None, URL)
    assert [item.key for item in feed.items] == ["0", "1"]
    assert "not well-formed" in feed.defects[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "windows-1252"])
def test_a_feed_is_read_in_the_encoding_it_has(encoding: str) -> None:
    written = f'<?xml version="1.0" encoding="{encoding}"?>' + rss("<title>Müller fährt</title>")
    [item] = read_feed(written.encode(encoding), None, URL).items
    assert item.title == "Müller fährt"


def test_the_servers_charset_counts_where_the_feed_names_none() -> None:
    [item] = read_feed(rss("<title>Žluťoučký kůň</title>").encode("iso-8859-2"), "iso8859-2", URL).items
    assert item.title == "Žluťoučký kůň"


def test_a_billion_laughs_are_not_laughed() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{entities}]>' + rss("<title a='&l9;'>&l9;</title>")
    assert one(bomb).title == "&l9;"


@pytest.mark.parametrize("entity", ['SYSTEM "file:///etc/passwd"', 'SYSTEM "http://127.0.0.1:1/"', '"inside"'])
def test_entities_of_the_feeds_own_are_not_resolved(entity: str) -> None:
    assert one(f"<!DOCTYPE rss [<!ENTITY x {entity}>]>" + rss("<title>&x;</title>")).title == "&x;"


def test_parameter_entities_and_external_dtds_are_not_read() -> None:
    dtd = '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/evil.dtd" [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p; ]>'
    assert one(dtd + rss("<title>Fine</title>")).title == "Fine"


def test_nesting_without_end_costs_only_what_is_inside() -> None:
    feed = read_feed(("<rss><channel><item><guid>1</guid></item><item>" + "<a>" * 200_000).encode(), None, URL)
    assert [item.key for item in feed.items] == ["1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no XML"),
        ("hello", "no XML"),
        ("<html><body>Not found</body></html>", "<html>"),
        ("<?xml version='1.0'?><urlset/>", "<urlset>"),
        ("{}", "no list of `items`"),
        ("[1, 2]", "no list of `items`"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("\x00\x01\x02", "binary"),
        ("<a>" * 1_000_001, "tags and references"),
        ("<rss>" + "&" * 1_000_001, "tags and references"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(content: str, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        read_feed(content.encode(), None, URL)


def test_items_beyond_the_limit_are_left_with_a_reason() -> None:
    items = "".join(f"<item><guid>{n}</guid></item>" for n in range(MAX_ITEMS + 5))
    feed = read_feed(f"<rss><channel>{items}</channel></rss>".encode(), None, URL)
    assert len(feed.items) == MAX_ITEMS
    assert "2,000 items" in feed.defects[0]


def test_one_id_for_all_items_does_not_make_them_one() -> None:
    items = "".join(f"<item><guid isPermaLink='false'>same</guid><link>/{n}</link></item>" for n in range(3))
    feed = read_feed(f"<rss><channel>{items}</channel></rss>".encode(), None, URL)
    assert [item.link for item in feed.items] == [f"https://news.example/{n}" for n in range(3)]
    assert len({item.key for item in feed.items}) == 3


@pytest.mark.parametrize(
    "title",
    ["RETRACTED: Firm opens model", "RETRACTED ARTICLE: Firm opens model", "[Retracted] Firm opens model",
     "WITHDRAWN - Firm opens model", "(Zurückgezogen) Firma öffnet Modell"],
)  # fmt: skip
def test_a_title_marked_as_retracted(title: str) -> None:
    assert Item("1", title=title).retracted


@pytest.mark.parametrize(
    "title",
    ["Retracted: how a study fell apart", "Journal retracts paper", "Retraction: what we got wrong",
     "Withdrawn from sale", "WITHDRAWN troops return", "Firm opens model", None],
)  # fmt: skip
def test_a_title_about_a_retraction_is_no_mark(title: str | None) -> None:
    assert not Item("1", title=title).retracted


@pytest.mark.parametrize(
    ("content", "complete"),
    [
        ("<p>Words. </p>" * 200, True),
        ("<p>Words.</p>", False),
        ("<p>Words. </p>" * 200 + "[…]", False),
        ("<p>Words. </p>" * 200 + "<a href='/1'>Continue reading</a>", False),
        ("<p>Words. </p>" * 200 + "The post <a>Title</a> appeared first on <a>Blog</a>.", False),
        ("<script>" + "var x; " * 500 + "</script>", False),
    ],
)
def test_whole_articles_are_told_from_their_first_lines(content: str, complete: bool) -> None:
    assert Item("1", content=content).complete is complete


@pytest.mark.parametrize(
    ("ttl", "read"),
    [("60", timedelta(hours=1)), ("-5", timedelta()), ("x", timedelta()), ("9" * 30, timedelta(days=1))],
)
def test_a_ttl_is_taken_within_reason(ttl: str, read: timedelta) -> None:
    assert read_feed(f"<rss><channel><ttl>{ttl}</ttl></channel></rss>".encode(), None, URL).stays_for == read


@pytest.mark.parametrize(
    "filling",
    ["&", "&amp;", "&#", "<![CDATA[", "<!DOCTYPE", "<!DOCTYPE a [", "] ", "<!--", "<a b='", "<?", "<a ", "<a><a"],
)
def test_a_megabyte_of_anything_takes_a_few_seconds_of_computing_at_most(filling: str) -> None:
    written = rss("<guid>1</guid><description>" + filling * (1_000_000 // len(filling)))
    before = time.process_time()
    with suppress(BadInputError):
        for item in read_feed(written.encode(), None, URL).items:
            assert item.complete in {True, False}
    assert time.process_time() - before < 20
