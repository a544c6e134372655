"""When a position was held, from what the article says. Pure.

Looks at the evidence first, then, where it points back ("at the time"), or stands under a date, at the text before.
Times are EDTF (ISO 8601-2): `2016`, `2016-03`, `2016-03-05`, `2019-21` (spring), `2013~` for rounded ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from stance_service import dates_lexicon as words

NEWS_DAYS = 10
"""A time so close to publication is the news itself: no other time is meant."""
LOOK_BACK = 600
"""Characters before the evidence in which a time may stand that it points back to."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time that a text names, in characters of that text."""

    start: int
    end: int
    year: int
    month: int = 0
    day: int = 0
    season: int = 0
    about: bool = False
    bare_month: bool = False  # the year was inferred

    @property
    def edtf(self) -> str:
        """The time as EDTF."""
        if self.season:
            return f"{self.year:04d}-{20 + self.season}"
        parts = [f"{self.year:04d}", *(f"{p:02d}" for p in (self.month, self.day) if p)]
        return "-".join(parts) + ("~" if self.about else "")


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Compiled expressions of one language."""

    numeric: re.Pattern[str]
    day_month: re.Pattern[str]
    month_day: re.Pattern[str]
    season: re.Pattern[str]
    year: re.Pattern[str]
    ago_years: re.Pattern[str]
    ago_months: re.Pattern[str]
    last_year: re.Pattern[str]
    last_month: re.Pattern[str]
    this_year: re.Pattern[str]
    then: re.Pattern[str]
    future: re.Pattern[str]


_YEAR = r"(?P<year>(?:19|20)\d\d)(?![\d.,]*\d)(?!\s*(?:%|€|\$|euros?\b|dollars?\b|mil+i(?:on|ard)))"


@lru_cache
def _patterns(language: str) -> _Patterns:
    """The language's patterns; an unknown language reads as English, whose numeric dates still hold."""
    language = language if language in words.MONTHS else "en"

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w$€£])(?:{pattern})(?!\w)", re.IGNORECASE)

    month = "(?P<month>" + "|".join(words.MONTHS[language]) + r")\.?"
    numbers = "(?P<number>\\d{1,2}|" + words.NUMBERS[language].replace(",", "|") + ")"
    years, months = words.UNITS[language]
    linking = r"(?:\s+(?:of|de|del|di|van)?\s*|,\s*)"
    ago = words.AGO[language]
    return _Patterns(
        numeric=compiled(
            r"(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d{1,2})[./](?P<m2>\d{1,2})[./](?P<y2>(?:19|20)\d\d)"
        ),
        day_month=compiled(
            rf"(?P<day>\d{{1,2}})(?:\.|er|º|st|nd|rd|th)?\s+(?:of\s+|de\s+)?{month}(?:{linking}{_YEAR})?"
        ),
        month_day=compiled(rf"{month}(?:\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d))?(?:{linking}{_YEAR})?"),
        season=compiled("(?P<season>" + "|".join(words.SEASONS[language]) + rf"){linking}{_YEAR}"),
        year=compiled(_YEAR),
        ago_years=compiled(ago.replace("{n}", numbers).replace("{u}", years)),
        ago_months=compiled(ago.replace("{n}", numbers).replace("{u}", months)),
        last_year=compiled(words.LAST_YEAR[language]),
        last_month=compiled(words.LAST_MONTH[language]),
        this_year=compiled(words.THIS_YEAR[language]),
        then=compiled(words.THEN[language]),
        future=compiled(words.FUTURE[language]),
    )


def held_at(body: str, evidence: tuple[int, int], published_on: date, language: str) -> str | None:
    """The time that the sentence `body[start:end]` speaks of, or None: the time of publication.

    Never later than `published_on`; a time in the days before it is the news itself and yields None.
    """
    start, end = evidence
    patterns = _patterns(language)
    sentence = body[start:end]
    time = _chosen(sentence, published_on, language)
    if time is None and (points := patterns.then.search(sentence)) and points.start() < 90:
        time = _last_before(body, start, published_on, language)
    if time is None:
        time = _heading(body, start, published_on, language)
    return None if time is None or _is_news(time, published_on) else time.edtf


def times(text: str, published_on: date, language: str) -> list[Time]:
    """All past times that a text names, in order, longer readings before shorter ones."""
    found: list[Time] = []
    for time in _readings(text, published_on, _patterns(language), language):
        past = (time.year, time.month or 1, time.day or 1) <= (published_on.year, published_on.month, published_on.day)
        if past and all(time.end <= t.start or time.start >= t.end for t in found):
            found.append(time)
    return sorted(found, key=lambda t: t.start)


def _chosen(sentence: str, published_on: date, language: str) -> Time | None:
    """The sentence's time: its first with a year, else its first without, unless that lies ahead."""
    found = times(sentence, published_on, language)
    dated = [t for t in found if not t.bare_month]
    if dated:
        return dated[0]
    ahead = _patterns(language).future.search(sentence)
    return found[0] if found and not ahead else None


def _last_before(body: str, start: int, published_on: date, language: str) -> Time | None:
    before = body[max(0, start - LOOK_BACK) : start]
    found = times(before, published_on, language)
    return found[-1] if found else None


def _heading(body: str, start: int, published_on: date, language: str) -> Time | None:
    """A date that opens the paragraph or stands alone in the one before, as in chronicles and diaries."""
    opening = body.rfind("\n", 0, start) + 1
    line = body[opening:start]
    previous = body[:opening].rstrip().rsplit("\n", 1)[-1] if opening else ""
    for text in (line[:40], previous if len(previous) < 30 else ""):
        found = times(text, published_on, language)
        if found and re.fullmatch(r"[\W_]*(?:(?:in|im|en|nel|em)\s+)?", text[: found[0].start], re.IGNORECASE):
            rest = text[found[0].end :]
            if re.match(r"\s*(?:[-–—:.*|/]|$)", rest):
                return found[0]
    return None


def _is_news(time: Time, published_on: date) -> bool:
    if time.season or not time.month:
        return False
    if not time.day:
        return (time.year, time.month) == (published_on.year, published_on.month) and not time.bare_month
    return abs((published_on - date(time.year, time.month, time.day)).days) <= NEWS_DAYS


def _readings(text: str, published_on: date, p: _Patterns, language: str) -> Iterator[Time]:
    for m in p.numeric.finditer(text):
        y, mo, d = (m["y"], m["m"], m["d"]) if m["y"] else (m["y2"], m["m2"], m["d2"])
        if time := _valid(m, int(y), int(mo), int(d)):
            yield time
    for m in p.season.finditer(text):
        yield Time(m.start(), m.end(), int(m["year"]), season=_index(words.SEASONS[_known(language)], m["season"]))
    for pattern in (p.day_month, p.month_day):
        for m in pattern.finditer(text):
            if time := _month_time(m, published_on, language):
                yield time
    for m in p.ago_years.finditer(text):
        yield Time(m.start(), m.end(), published_on.year - _number(m["number"], language))
    for m in p.ago_months.finditer(text):
        yield _months_back(m, published_on, _number(m["number"], language))
    for m in p.last_month.finditer(text):
        yield _months_back(m, published_on, 1)
    for m in p.last_year.finditer(text):
        yield Time(m.start(), m.end(), published_on.year - 1)
    for m in p.this_year.finditer(text):
        yield Time(m.start(), m.end(), published_on.year)
    for m in p.year.finditer(text):
        yield Time(m.start(), m.end(), int(m["year"]))


def _month_time(m: re.Match[str], published_on: date, language: str) -> Time | None:
    names = words.MONTHS[_known(language)]
    if language == "en" and m["month"].islower():
        return None  # "may", "march": words, not months
    month, day = _index(names, m["month"]), int(m["day"] or 0)
    if m["year"]:
        return _valid(m, int(m["year"]), month, day)
    if m["month"].lower() in {"may", "mar", "sep", "jan"} and not day:
        before = m.string[max(0, m.start() - 12) : m.start()].lower()
        if not re.search(r"(?:in|since|until|by|last|from|early|late|this|of)\s+$", before):
            return None
    year = published_on.year if (month, day or 1) <= (published_on.month, published_on.day) else published_on.year - 1
    time = _valid(m, year, month, day)
    return None if time is None else Time(time.start, time.end, year, month, day, bare_month=True)


def _valid(m: re.Match[str], year: int, month: int, day: int) -> Time | None:
    try:
        date(year, month, day or 1)
    except ValueError:
        return None
    return Time(m.start(), m.end(), year, month, day)


def _months_back(m: re.Match[str], published_on: date, months: int) -> Time:
    index = published_on.year * 12 + published_on.month - 1 - months
    return Time(m.start(), m.end(), index // 12, index % 12 + 1)


def _number(text: str, language: str) -> int:
    if text.isdigit():
        return int(text)
    return _index(tuple(words.NUMBERS[_known(language)].split(",")), text)


def _index(alternatives: tuple[str, ...], text: str) -> int:
    """1-based place of the alternative that matches the text."""
    return next(i for i, a in enumerate(alternatives, 1) if re.fullmatch(a, text, re.IGNORECASE))


def _known(language: str) -> str:
    return language if language in words.MONTHS else "en"
