"""XML of strangers: what can be read of it is, and no entity is ever expanded. Pure."""

import re
from dataclasses import dataclass
from html.entities import html5
from typing import Any, TypeAlias

from lxml import etree

from ingest_service.text import NotTextError, decode, known_charset
from shared.errors import BadInputError

Element: TypeAlias = Any
"""lxml is untyped."""

MAX_MARKUP = 1_000_000
"""Tags and references: a tag of three bytes takes a hundred in memory, and a reference of one much time."""
_EPILOGUE = 2000
"""Characters in which the root is closed; comments may follow."""
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_PROLOGUE = 10_000
_END_OF_SUBSET = re.compile(r"\]\s*>")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos);)(?:#(?:x([0-9a-f]{1,8})|(\d{1,9}));|(\w{2,32});)?",
    re.DOTALL | re.IGNORECASE,
)
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/atompub/tombstones/1.0": "at:",
    "http://www.google.com/schemas/sitemap-news/0.9": "news:",
    "http://www.w3.org/1999/xhtml": "xhtml:",
}
_PLAIN = re.compile(
    r"|https?://(?:www\.w3\.org/2005/Atom|purl\.org/(?:atom/ns#|rss/1\.0/|net/rss1\.1#)|www\.sitemaps\.org/schemas/sitemap/.*"
    r"|www\.google\.com/schemas/sitemap/.*|my\.netscape\.com/.*|(?:backend|blogs)\.[\w.]+/.*|www\.w3\.org/1999/02/22-rdf.*)"
)


@dataclass(frozen=True)
class Document:
    """A document's root; `defect` says where it was not well-formed, and some of it may be missing.

    `cut_off`: its end is missing, so that its last elements may be halves.
    """

    root: Element
    defect: str | None
    cut_off: bool


def read_xml(content: bytes, charset: str | None, where: str, base: str) -> Document:
    """Parse a document at URL `base`; raises BadInputError if there is no element in it."""
    if content.count(b"<") + content.count(b"&") > MAX_MARKUP:
        raise BadInputError(where, f"it has more than {MAX_MARKUP:,} tags and references")
    parser = etree.XMLParser(
        encoding="utf-8", recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        repaired = _repaired(_characters(content, charset))
        root = etree.fromstring(repaired.encode(), parser, base_url=base)
    except NotTextError as error:
        raise BadInputError(where, str(error)) from error
    except (etree.LxmlError, ValueError) as error:
        raise BadInputError(where, f"it is no XML: {error}") from error
    if root is None:
        raise BadInputError(where, "it is no XML: there is no element in it")
    end_tag = re.compile(rf"</(?:[\w.-]+:)?{re.escape(root.tag.rpartition('}')[2])}\s*>|/>\s*\Z")
    return Document(root, _defect(parser), cut_off=end_tag.search(repaired[-_EPILOGUE:]) is None)


def name(element: Element) -> str:
    """The element's name in lower case, with a prefix for modules that we read; `?` for those that we do not."""
    if not isinstance(element.tag, str):
        return "?"  # a comment or processing instruction
    namespace, _, local = element.tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    if _PLAIN.fullmatch(namespace):
        return str(local.lower())  # with a prefix whose namespace was forgotten, it is part of the name
    prefix = _PREFIXES.get(namespace)
    return prefix + local.lower() if prefix else "?"


def text(element: Element | None) -> str:
    """All text in an element, stripped."""
    return "" if element is None else "".join(element.itertext()).strip()


def _characters(content: bytes, charset: str | None) -> str:
    for start, encoding in ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be")):
        if content.startswith(start):
            return content.decode(encoding, "replace")
    declared = _DECLARED.match(content)
    return decode(content, (known_charset(declared[1].decode()) if declared else None) or charset)


def _repaired(text: str) -> str:
    """Well-formed but for the markup: no DTD, so that no entity is defined; HTML's entities as characters."""
    text = _NOT_XML.sub("", text).lstrip()
    return _REFERENCE.sub(_reference, _without_dtd(_DECLARATION.sub("", text)))


def _without_dtd(text: str) -> str:
    start = text[:_PROLOGUE].lower().find("<!doctype")
    if start < 0:
        return text
    end, subset = text.find(">", start), text.find("[", start)
    if 0 <= subset < end:
        closed = _END_OF_SUBSET.search(text, subset)
        end = closed.end() - 1 if closed else -1
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _reference(match: re.Match[str]) -> str:
    hexadecimal, decimal, entity = match.groups()
    if match[0].startswith("<"):
        return match[0]
    if hexadecimal or decimal:
        code = int(hexadecimal, 16) if hexadecimal else int(decimal)
        return _NOT_XML.sub("", chr(code)).replace("&", "&amp;").replace("<", "&lt;") if code < 0x110000 else ""
    characters = html5.get(f"{entity};") if entity else None
    return characters.replace("&", "&amp;").replace("<", "&lt;") if characters else "&amp;" + match[0][1:]


def _defect(parser: Element) -> str | None:
    error = next((entry for entry in parser.error_log if entry.level_name != "WARNING"), None)
    return f"line {error.line}: {' '.join(error.message.split())[:200]}" if error else None
