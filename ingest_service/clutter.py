"""Tell a page's furniture from its article, line by line. Pure.

A line goes only if it consists of known furniture; a line that may be a sentence of the article stays.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from ingest_service import phrases

PROSE_WORDS = 25
MAX_FURNITURE = 400
"""Characters; a longer line is never furniture, and never costs much to look at."""
_SEPARATORS = re.compile(r"\s*[|·•▸▶►›»⟳†]\s*|\s+[-–—>/~]+\s+|(?<=\w)\s*:\s+(?=\w+\s+[|·])|\]\s*\[|\.\.\.|…")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+")
_EMAIL = re.compile(r"[^\s@]+@[\w-]+(?:\.[\w-]+)+")
_WHOLE = phrases.whole(*phrases.WHOLE, phrases.AGO)
_OPENING = phrases.opening(*phrases.OPENING)
_PUBLISHED = phrases.opening(rf"{phrases.PUBLISHED}.{{0,40}}\d")
_COMMENTS = phrases.whole(phrases.COMMENT_SECTION)
_RELATED = phrases.whole(phrases.RELATED_SECTION)
_BYLINE = re.compile(rf"(?i:(?:{phrases.RUBRICS})\s+)?(?i:{phrases.BY})\s*:?\s+(?P<name>[^\d.!?:;|]{{2,60}})\Z")
_RUBRIC = phrases.whole(phrases.RUBRICS)
_PARTICLES = frozenset(
    "de|del|della|der|den|di|da|do|dos|das|du|la|le|van|von|zu|zur|ter|ten|el|al|bin|ibn|and|und|et|y|e|en".split("|")
)


def is_prose(line: str) -> bool:
    """True for a paragraph of the article, as opposed to a heading or furniture."""
    words = len(line.split())
    last = line.rstrip("\"'“”’»«)]")[-1:]
    return words >= PROSE_WORDS or (words >= 8 and last in {".", "…", ":"}) or (words >= 18 and last in {"!", "?"})


@lru_cache(maxsize=512)  # a document's lines are asked about two or three times each
def is_clutter(line: str) -> bool:
    """True for a line that is all furniture: share buttons, comment forms, notices, teasers, credits, times."""
    bare = line.strip(" *_-–—•·|>‹›«»←→+#=~()\t")
    if not any(character.isalpha() for character in bare):
        return True
    words = len(bare.split())
    if words > PROSE_WORDS + 10 or len(bare) > MAX_FURNITURE:
        return False
    if words <= PROSE_WORDS and _furniture(bare):
        return True
    segments = _segments(bare)
    if len(segments) < 2:
        return False
    found = sum(_furniture(segment) for segment in segments)
    short = all(len(segment.split()) <= 7 for segment in segments)
    return found * 2 >= len(segments) or (found > 0 and len(segments) > 2 and short) or _navigation(line, segments)


def byline(line: str) -> str | None:
    """The author a line names (`By Noor Hallbrandt`), else None."""
    first = line.split("|", 1)[0].strip(" *_–—-(")
    match = _BYLINE.match(first)
    if match is None:
        return None
    name = re.split(r",|\s+(?:on|am|le|in)\s", match["name"])[0].strip()
    return name if is_name(name) else None


def is_name(text: str) -> bool:
    """True for what looks like one or more personal names and nothing else."""
    words = text.replace(",", " ").split()
    if not 1 <= len(words) <= 7 or _RUBRIC(text) or _furniture(text):
        return False
    if text.isupper() or re.search(r"[\d:;!?]|[.,]\Z", text):
        return False
    return words[0][0].isupper() and all(word[0].isupper() or word.lower() in _PARTICLES for word in words)


def article_lines(lines: Sequence[str]) -> list[str]:
    """The lines that belong to the article, in order; sections of comments and teasers go as a whole."""
    kept: list[str] = []
    section = ""
    for at, line in enumerate(lines):
        label = line.strip(" *_:#•-–—")
        if _COMMENTS(label) and _prose(lines[:at]) > 2 * _prose(lines[at:]):
            section = "comments"
        elif _RELATED(label):
            section = "related"
        elif section == "related" and is_prose(line) and not _bullet(line):
            section = ""
        if not section and not is_clutter(line) and not _repeats(line, kept):
            kept.append(line)
    return _without_author_box(kept)


def _prose(lines: Sequence[str]) -> int:
    """Characters of prose: a form with comments below it has most of the text above it."""
    return sum(len(line) for line in lines if is_prose(line) and not is_clutter(line))


def _bullet(line: str) -> bool:
    return line[:1] in "•–—-*▸›>"


def _repeats(line: str, kept: Sequence[str]) -> bool:
    """A headline or paragraph that was just given; names and short answers may recur."""
    return len(line.split()) > 3 and line in kept[-3:]


def _without_author_box(lines: list[str]) -> list[str]:
    """Drop a name given twice at the end, and the one short line about its bearer."""
    for at in range(max(len(lines) - 4, 1), len(lines) - 1):
        if lines[at] == lines[at + 1] and is_name(lines[at]) and sum(len(line) for line in lines[at + 2 :]) <= 200:
            return lines[:at]
    return lines


def _segments(line: str) -> list[str]:
    parts = [part for piece in _SEPARATORS.split(line) for part in _SENTENCE_BREAK.split(piece)]
    return [part for part in (part.strip(" []()*_.,–—-←→") for part in parts) if part]


def _furniture(segment: str) -> bool:
    bare = segment.rstrip(" :.*")
    whole = _WHOLE(bare) or (bare != segment and _WHOLE(segment))
    return whole or _OPENING(segment) or _dated(segment) or _EMAIL.fullmatch(segment) is not None


def _dated(segment: str) -> bool:
    """A line of publication: `Published March 13, 2024`, `Posted by tk on 6 August 2025`."""
    words = [word for word in segment.split() if not word[0].isdigit()]
    return len(words) <= 8 and _PUBLISHED(segment)


def _navigation(line: str, segments: Sequence[str]) -> bool:
    """`News | Sport | Opinion`: at least three short items between bars or angles."""
    bars = len(re.findall(r" [|›>»·▸/] ", line))
    return bars >= 2 and len(segments) > bars and all(len(segment.split()) <= 3 for segment in segments)
