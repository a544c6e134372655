"""Title, author and date in the first lines of a pasted text. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import dateparser

from ingest_service import phrases
from ingest_service.clutter import byline, is_clutter, is_name, is_prose

HEAD_LINES = 20
TITLE_WORDS = 35
_LONGEST_DATE_LINE = 200
_DIGIT = re.compile(r"\d")
_PUBLISHED = re.compile(rf"{phrases.PUBLISHED}(?P<date>.*)", re.IGNORECASE)
_ON = re.compile(r"(?:posted|published) by .{2,40}? on (?P<date>.+)", re.IGNORECASE)
_SETTINGS = {
    "TIMEZONE": "UTC",
    "TO_TIMEZONE": "UTC",
    "RETURN_AS_TIMEZONE_AWARE": True,
    "REQUIRE_PARTS": ["day", "month", "year"],
    "PARSERS": ["absolute-time"],
}
_LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl"]
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4}|"
    r"\d{1,2}(?:st|nd|rd|th|er|º|\.)?\s+(?:de |di )?[^\W\d]{3,10}\.?,?\s+(?:de )?\d{4}"
    r"|[^\W\d]{3,10}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}"
)
_DATE_LINE = re.compile(
    rf"(?:[^\W\d]+\.?,?\s+)?(?P<date>{_DATE.pattern})"
    r"(?:[\s,|·–—-]*(?:at|um|à|a las|alle|às|om)?\s*\d{1,2}\s?[:.h]\s?\d{2}(?::\d{2})?[\s\w.]{0,12})?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Head:
    """What the lines before the text say; `body` has all lines that remain, furniture included."""

    title: str
    author: str | None
    body: list[str]
    dated: datetime | None = None


def read_head(blocks: Sequence[Sequence[str]], title: str | None) -> Head:
    """Split the head from the body. With a title that is known already none is looked for, only removed."""
    lines = [line for block in blocks for line in block if line]
    end = next((at for at, line in enumerate(lines) if is_prose(line) and not is_clutter(line)), len(lines))
    end = min(end, HEAD_LINES)
    found = title or _title(blocks, lines[:end])
    start = lines.index(found) + 1 if found in lines[:end] and title is None else 0
    author, dated, body = None, None, []
    for at, line in enumerate(lines[start:], start):
        named = byline(line) or (line if found and start and start <= at < end and _is_lone_name(line) else None)
        if at < end and named is not None:
            author = author or named
        elif at < end and _DIGIT.search(line) and (date := _DATE_LINE.fullmatch(line)):
            dated = dated or _parsed(date["date"])
        elif not (at < end and _same(line, found)):
            body.append(line)
    return Head(found, author or _author_box(lines), body, dated)


def publication_date(lines: Sequence[str]) -> datetime | None:
    """The date of a line such as `Published March 13, 2024` or `Veröffentlicht am 3.2.2021`, else None."""
    for line in lines:
        if len(line) > _LONGEST_DATE_LINE or not _DIGIT.search(line):
            continue
        match = _PUBLISHED.match(line) or _ON.match(line)
        if match and (date := _DATE.search(match["date"])) and (parsed := _parsed(date[0])):
            return parsed
    return None


def _parsed(date: str) -> datetime | None:
    parsed: datetime | None = dateparser.parse(date, languages=_LANGUAGES, settings=_SETTINGS)
    return parsed.astimezone(UTC) if parsed else None


def _title(blocks: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """The first heading; one that is repeated, or that stands apart from furniture, goes before the others."""
    candidates = [line for line in head if _is_heading(line)]
    repeated = [line for line in candidates if candidates.count(line) > 1 and not is_name(line)]
    apart = [
        block[0]
        for block in blocks
        if block[0] in candidates and not any(is_clutter(line) for line in block[1:] if line)
    ]
    choice = repeated or [line for line in apart if len(line.split()) > 1] or apart or candidates
    return choice[0] if choice else ""


def _is_heading(line: str) -> bool:
    words = len(line.split())
    if words > TITLE_WORDS or line[-1] in ".,;:" or (line.isupper() and words <= 2):
        return False
    return not is_clutter(line) and byline(line) is None and not _DATE_LINE.fullmatch(line)


def _is_lone_name(line: str) -> bool:
    return len(line.split()) <= 4 and "," not in line and is_name(line) and not is_clutter(line)


def _same(line: str, title: str) -> bool:
    return bool(title) and line.casefold().strip(" .") == title.casefold().strip(" .")


def _author_box(lines: Sequence[str]) -> str | None:
    pairs = pairwise(lines[-15:])
    return next((name for name, again in pairs if name == again and len(name.split()) > 1 and is_name(name)), None)
