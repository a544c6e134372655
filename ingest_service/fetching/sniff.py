"""What a body is, by its first bytes and by what the server says. Pure."""

import codecs
import re
from typing import Literal

Kind = Literal["html", "xml", "json", "text", "gzip", "binary"]

_NEVER_TEXT = re.compile(
    r"(image|audio|video|font|model)/|application/(pdf|zip|.*(msword|officedocument|opendocument))"
)
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"OggS", b"ID3", b"\x7fELF")
_HTML = re.compile(r"<(!doctype\s+html|html|head|body|title|meta|script|div|article|p|h1)[\s>]")
_FEED = re.compile(r"<(rss|feed|rdf:rdf|urlset|sitemapindex)[\s>]")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LOOKED_AT = 2048


def is_never_text(media_type: str) -> bool:
    """True for types whose body need not even be read, such as films."""
    return _NEVER_TEXT.match(media_type) is not None


def kind_of(media_type: str, content: bytes) -> Kind:
    """The content's own signs go before `media_type`: servers often send feeds as HTML and pages as text."""
    if content.startswith(b"\x1f\x8b"):
        return "gzip"
    start = _start(content)
    if start is None:
        return "binary"
    return _markup(start) or _declared(media_type, start)


def _start(content: bytes) -> str | None:
    """The first characters without blanks, in lower case; None if they are no text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) : _LOOKED_AT].decode(encoding, "replace").lstrip().lower()
    start = content[:_LOOKED_AT]
    binary = start.startswith(_BINARY) or b"\x00" in start
    return None if binary else start.lstrip().decode("latin-1").lower()


def _markup(start: str) -> Kind | None:
    if _FEED.search(start) and start.startswith("<"):
        return "xml"
    if _HTML.match(start) or (start.startswith(("<?xml", "<!--", "<!doctype")) and _HTML.search(start)):
        return "html"
    return "xml" if start.startswith("<?xml") else None


def _declared(media_type: str, start: str) -> Kind:
    if media_type.endswith("json") or (start.startswith("{") and media_type in {"", "application/octet-stream"}):
        return "json"
    if "html" in media_type:
        return "html"
    return "xml" if media_type.endswith("xml") else "text"
