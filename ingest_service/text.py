"""Bytes to clean characters, and characters to lines. Pure."""

import codecs
import re
import unicodedata
from itertools import pairwise

import charset_normalizer
import ftfy
from ftfy.badness import is_bad

REPAIR = ftfy.TextFixerConfig(
    normalization="NFC", uncurl_quotes=False, fix_latin_ligatures=True, fix_character_width=False, unescape_html="auto"
)
_REPAIRABLE = re.compile(r"[&\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfffĲĳŉǄ-ǌǱ-ǳﬀ-ﬆ\u2028\u2029\ufeff]")
"""Where ftfy changes more than an encoding: entities, controls, surrogates, ligatures."""
_PLAIN = re.compile(r"[\x00-\x7f’‘“”–—…«»]*")
"""Characters that are no mojibake, however they follow each other."""
_MOST_REPAIRS = 8
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffc]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"[^\S\n]+")
_UNFINISHED = re.compile(r"[^.!?:;»”\"'’)\]]\Z")
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Python's own, and one that hides markup; no page is written in them."""


class NotTextError(ValueError):
    """The bytes are no text."""


def decode(content: bytes, charset: str | None = None) -> str:
    """The characters of a text: by its byte order mark, as UTF-8, as `charset`, or as the likeliest old encoding.

    UTF-8 goes before what servers and documents claim: nothing else looks like it by chance. Raises NotTextError for
    binaries.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding)
    if b"\x00" in content:
        raise NotTextError("it is a binary file, not text (it has NUL bytes)")
    text = _as_claimed(content, "utf-8") or _as_claimed(content, charset) or _guessed(content)
    start = text[:50_000]
    if len(_CONTROLS.findall(start)) * 50 > len(start):
        raise NotTextError("it is a binary file, not text (it is full of control characters)")
    return text


def known_charset(name: str | None) -> str | None:
    """The name as Python knows it, or None if it is no text encoding."""
    try:
        found = codecs.lookup((name or "").strip("'\" "))
    except (LookupError, ValueError):
        return None
    return found.name if found._is_text_encoding and found.name not in _NO_CHARSETS else None


def clean(text: str) -> str:
    """Unicode NFC, mojibake repaired, invisible characters gone, blanks single, lines stripped."""
    for _ in range(_MOST_REPAIRS):  # what one repair leaves may be in need of another
        before, text = text, _cleaned(text)
        if text == before:
            break
    return text


def repaired(text: str) -> str:
    """What ftfy makes of the text; it is not asked about text in which it would find nothing."""
    if _REPAIRABLE.search(text) or any(not _PLAIN.fullmatch(line) and is_bad(line) for line in text.split("\n")):
        return str(ftfy.fix_text(text, REPAIR))
    return unicodedata.normalize("NFC", text)


def blocks(text: str) -> list[list[str]]:
    """Lines grouped by the empty lines between them; lines broken at a fixed width are joined again."""
    groups = [group.split("\n") for group in re.split(r"\n{2,}", text.strip("\n"))]
    return [_unwrapped(group) for group in groups if any(group)]


def _cleaned(text: str) -> str:
    text = _BREAKS.sub("\n", _INVISIBLE.sub("", repaired(text)))
    text = _BLANKS.sub(" ", _CONTROLS.sub(" ", text))
    return "\n".join(line.strip() for line in text.split("\n"))


def _unwrapped(lines: list[str]) -> list[str]:
    full, breaks = lines[:-1], len(lines) - 1
    if breaks < 1 or not all(45 <= len(line) <= 100 for line in full) or len(lines[-1]) > 100:
        return lines
    runs_on = sum(bool(_UNFINISHED.search(line)) and after[:1].islower() for line, after in pairwise(lines))
    return [" ".join(lines)] if runs_on * 2 >= breaks else lines


def _as_claimed(content: bytes, encoding: str | None) -> str | None:
    try:
        return content.decode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return None


def _guessed(content: bytes) -> str:
    best = charset_normalizer.from_bytes(content[:200_000]).best()
    if best is None:
        raise NotTextError("it is no text in any encoding we know")
    return _decoded(content, best.encoding)


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise NotTextError(f"it is no {encoding} text: {error}") from error
