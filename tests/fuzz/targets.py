"""What is fuzzed: a parser that may raise BadInputError and nothing else, and examples to begin with."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ingest_service.fetching.sniff import kind_of
from ingest_service.normalise import normalise
from ingest_service.sources import MediaType, RawDocument
from ingest_service.sources.archives import Budget, Item
from ingest_service.sources.contents import Reader
from ingest_service.sources.manifest import Manifest
from ingest_service.syndication.read import read_feed
from ingest_service.syndication.sitemap import read_sitemap
from shared.errors import BadInputError
from tests.documents import PROSE, READ_AT, document
from tests.unit.test_archives import PAGE, SAMPLES

_URL = "https://x.example/feed"
_LIMIT = 1_000_000
_RSS = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>Daily</title><ttl>60</ttl><item><guid>1</guid>
<link>/1</link><pubDate>Fri, 14 Mar 2025 10:00:00 GMT</pubDate><description><![CDATA[{PROSE[0]}]]></description>
</item></channel></rss>"""
_ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"><entry><id>1</id>
<link href="/1"/><updated>2025-03-14T10:00:00Z</updated><content type="html">{PROSE[0]}</content></entry>
<at:deleted-entry ref="2" when="2025-03-14T10:00:00Z"/></feed>"""
_JSON = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "url": "/1", "title": "A"}]})
_SITEMAP = f"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{_URL}</loc>
<lastmod>2025-03-14</lastmod></url></urlset>"""


@dataclass(frozen=True)
class Target:
    """`read` gets any bytes."""

    read: Callable[[bytes], None]
    examples: Sequence[bytes]


def _feed(content: bytes) -> None:
    for item in read_feed(content, None, _URL).items:
        assert item.complete in {True, False}


def _sitemap(content: bytes) -> None:
    read_sitemap(content, None, _URL, _LIMIT)


def _document(media_type: MediaType) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        assert normalise(document(content, media_type=media_type), READ_AT).body.strip()

    return read


def _file(name: str) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        item = Item(name, name, io.BytesIO(content), Budget(_LIMIT))
        for found in Reader(Manifest("manifest.yaml", "fuzz"), None, _LIMIT).documents(item):
            assert isinstance(found, RawDocument | BadInputError)

    return read


def _sniffed(content: bytes) -> None:
    kind_of("text/html", content)


TARGETS = {
    "feed": Target(_feed, [_RSS.encode(), _ATOM.encode(), _JSON.encode()]),
    "sitemap": Target(_sitemap, [_SITEMAP.encode(), gzip.compress(_SITEMAP.encode())]),
    "page": Target(_document("text/html"), [PAGE.encode()]),
    "text": Target(_document("text/plain"), ["\n\n".join(PROSE).encode()]),
    "sniff": Target(_sniffed, [PAGE.encode(), b"\x1f\x8b", b"%PDF-1.4"]),
    **{name: Target(_file(name), [content]) for name, content in SAMPLES.items()},
}


def read(name: str, content: bytes) -> None:
    """Lets through what is no BadInputError."""
    with suppress(BadInputError):
        TARGETS[name].read(content)
