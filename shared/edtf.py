"""Dates as precise as a text gives them: the part of EDTF (ISO 8601-2) that news needs.

Understood: `2016`, `2016-03`, `2016-03-05`; unspecified digits `201X`, `2016-XX`, `2016-03-XX`; seasons, quarters and
halves `2016-21` .. `2016-41`; a qualifier behind any of them, `~` approximate, `?` uncertain, `%` both; and intervals
`2015/2018`, `2015/..` (since) and `../2018` (until). Specification: https://www.loc.gov/standards/datetime/

Own code because the packages at hand accept 29 February 2015 and intervals that run backwards, or know no seasons,
and take milliseconds where the tracker has microseconds.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_DATE = re.compile(r"(\d{4}|\d{3}X|\d{2}XX)(?:-(\d{2}|XX)(?:-(\d{2}|XX))?)?([~?%]?)", re.ASCII)
_OPEN = ".."

# First month and length in months of each code above 12. Seasons without a hemisphere are read as northern ones;
# a winter begins in the December of its year.
_SEASONS: dict[int, tuple[int, int]] = {
    **{code: (month, 3) for first in (21, 25) for code, month in enumerate((3, 6, 9, 12), first)},
    **{code: (month, 3) for code, month in enumerate((9, 12, 3, 6), 29)},
    **{code: (month, 3) for code, month in enumerate((1, 4, 7, 10), 33)},
    **{code: (month, 4) for code, month in enumerate((1, 5, 9), 37)},
    **{code: (month, 6) for code, month in enumerate((1, 7), 40)},
}


def require_edtf(value: str) -> str:
    """The value itself; ValueError, saying what is wrong, when it isn't one of the forms above."""
    bounds(value)
    return value


@lru_cache(maxsize=65_536)
def bounds(value: str) -> tuple[datetime, datetime]:
    """The earliest instant meant and the first instant after, UTC.

    An approximate date (`~`, `%`) reaches half its own length further on both sides. An open end is `EARLIEST` or
    `LATEST`; a caller that knows better, by a publication date for instance, clips it.
    """
    first, slash, last = value.partition("/")
    if not slash:
        return _bounds_of_date(value, value)
    if first == _OPEN and last == _OPEN:
        raise ValueError(f"{value!r} is open at both ends")
    start = EARLIEST if first == _OPEN else _bounds_of_date(first, value)[0]
    end = LATEST if last == _OPEN else _bounds_of_date(last, value)[1]
    if start >= end:
        raise ValueError(f"{value!r} ends before it begins")
    return start, end


def _bounds_of_date(text: str, whole: str) -> tuple[datetime, datetime]:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{whole!r} is no EDTF date such as 2016, 2016-03, 2016-03-05, 2016~ or 2015/2018")
    year, month, day, qualifier = match.groups()
    try:
        start, end = _span(year, month, day)
    except ValueError as error:
        raise ValueError(f"{whole!r} is no date: {error}") from None
    if qualifier and qualifier in "~%":
        return _widened(start, end)
    return start, end


def _span(year: str, month: str | None, day: str | None) -> tuple[datetime, datetime]:
    if "X" in year and month is not None:
        raise ValueError("a month needs a full year")
    if month == "XX" and day not in {None, "XX"}:
        raise ValueError("a day needs a month")
    low, high = int(year.replace("X", "0")), int(year.replace("X", "9"))
    if month is None or month == "XX":
        return _first_of(low, 1), _first_of(high, 13)
    number = int(month)
    if number in _SEASONS:
        if day is not None:
            raise ValueError("a season has no days")
        first_month, length = _SEASONS[number]
        return _first_of(low, first_month), _first_of(low, first_month + length)
    if day is None or day == "XX":
        date(low, number, 1)  # refuses months 00 and 13 to 20
        return _first_of(low, number), _first_of(low, number + 1)
    start = datetime.combine(date(low, number, int(day)), time(), UTC)
    return start, _later(start, timedelta(days=1))


def _first_of(year: int, month: int) -> datetime:
    """The first instant of a month; months above 12 run into the next year, the year 10000 is `LATEST`."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return LATEST if year > 9999 else datetime(year, month, 1, tzinfo=UTC)


def _widened(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    half = (end - start) / 2
    earlier = start - half if start - EARLIEST > half else EARLIEST
    return earlier, _later(end, half)


def _later(at: datetime, by: timedelta) -> datetime:
    return at + by if LATEST - at > by else LATEST
