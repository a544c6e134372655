"""Feeds and sitemaps of any bytes give values or a reason, and never anything else."""

import gzip
import json
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from ingest_service.syndication.feed import MAX_FIELD, MAX_ITEMS, plain
from ingest_service.syndication.read import read_feed
from ingest_service.syndication.sitemap import read_sitemap
from shared.errors import BadInputError

URL = "https://news.example/feed"
LIMIT = 1_000_000
PIECES = (
    "<rss> </rss> <channel> <item> </item> <title> </title> <link> </link> <guid> </guid> <id> <entry> </entry> "
    "<entry\txml:base='http://['> <link\thref='//['/> <urlset> <sitemapindex> <url> <loc> </loc> <lastmod> <ttl> "
    "<skipHours><hour> <pubDate> <feed\txmlns='http://www.w3.org/2005/Atom'> <!DOCTYPE\ta[ ]> <!ENTITY\tx\t'y'> "
    "&x; & &#0; &#99999999; &amp; &eacute; <![CDATA[ ]]> <!-- --> <?xml\tversion='1.0'\tencoding='utf-7'?> <?php ?> "
    "x:y <x:y> 2026-03-01 javascript:x \x00 \ud800 \ufffe \N{RIGHT-TO-LEFT OVERRIDE} ' = é"
).split(" ")
markup = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)
encoded = st.builds(
    lambda text, encoding: text.encode(encoding, "replace"),
    markup,
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "latin-1", "utf-8-sig"]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["id", "url", "external_url", "title", "content_html", "content_text", "authors", "author", "date_published"]
json_feeds = st.builds(
    lambda title, items: json.dumps({"title": title, "items": items}).encode(),
    values,
    st.lists(st.dictionaries(st.sampled_from(FIELDS), values, max_size=6) | values, max_size=4),
)
anything = st.binary(max_size=300) | encoded | json_feeds | encoded.map(gzip.compress)
charsets = st.sampled_from([None, "utf-8", "iso8859-1", "utf-16", "shift_jis", "no-such-charset"])


@given(anything, charsets)
def test_any_bytes_are_a_feed_or_refused(content: bytes, charset: str | None) -> None:
    try:
        feed = read_feed(content, charset, URL)
    except BadInputError as error:
        assert error.where == URL
        assert error.reason
        return
    assert len(feed.items) <= MAX_ITEMS
    assert len({item.key for item in feed.items}) == len(feed.items)
    for item in feed.items:
        assert item.key
        assert len(item.title or "") <= MAX_FIELD
        assert item.version == item.version.lower()
        assert item.complete in {True, False}
        item.content.encode("utf-8", "replace")


@given(anything, charsets)
def test_any_bytes_are_a_sitemap_or_refused(content: bytes, charset: str | None) -> None:
    try:
        sitemap = read_sitemap(content, charset, URL, LIMIT)
    except BadInputError as error:
        assert error.reason
        return
    assert all(entry.url for entry in chain(sitemap.pages, sitemap.sitemaps))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=5))
def test_titles_come_through_as_they_were_written(titles: list[str]) -> None:
    """Whatever its characters, once escaped as XML asks."""
    escaped = ["".join(f"&#{ord(character)};" for character in title) for title in titles]
    items = "".join(f"<item><guid>{n}</guid><author>{text}</author></item>" for n, text in enumerate(escaped))
    feed = read_feed(f"<rss><channel>{items}</channel></rss>".encode(), None, URL)
    assert [item.author for item in feed.items] == [plain(title) or None for title in titles]
