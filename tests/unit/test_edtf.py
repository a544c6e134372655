"""Partial dates: what is understood, what is refused, and where they begin and end."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edtf import EARLIEST, LATEST, bounds, require_edtf

UNDERSTOOD = [
    ("2016", "2016-01-01", "2017-01-01"),
    ("2016-03", "2016-03-01", "2016-04-01"),
    ("2016-12", "2016-12-01", "2017-01-01"),
    ("2016-02-29", "2016-02-29", "2016-03-01"),
    ("2016?", "2016-01-01", "2017-01-01"),
    ("2016-03?", "2016-03-01", "2016-04-01"),
    ("201X", "2010-01-01", "2020-01-01"),
    ("19XX", "1900-01-01", "2000-01-01"),
    ("2016-XX", "2016-01-01", "2017-01-01"),
    ("2016-03-XX", "2016-03-01", "2016-04-01"),
    ("2016-21", "2016-03-01", "2016-06-01"),
    ("2016-24", "2016-12-01", "2017-03-01"),
    ("2016-30", "2016-12-01", "2017-03-01"),
    ("2016-34", "2016-04-01", "2016-07-01"),
    ("2016-41", "2016-07-01", "2017-01-01"),
    ("2015/2018", "2015-01-01", "2019-01-01"),
    ("2015-11/2016-02-03", "2015-11-01", "2016-02-04"),
    ("2016-03-05~", "2016-03-04T12:00", "2016-03-06T12:00"),
    ("2015~", "2014-07-02T12:00", "2016-07-01T12:00"),
]


@pytest.mark.parametrize(("value", "start", "end"), UNDERSTOOD)
def test_a_partial_date_has_bounds(value: str, start: str, end: str) -> None:
    expected = tuple(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (start, end))
    assert bounds(value) == expected
    assert require_edtf(value) == value


def test_an_open_end_reaches_as_far_as_time_does() -> None:
    assert bounds("2015/..") == (datetime(2015, 1, 1, tzinfo=UTC), LATEST)
    assert bounds("../2018") == (EARLIEST, datetime(2019, 1, 1, tzinfo=UTC))
    assert bounds("9999") == (datetime(9999, 1, 1, tzinfo=UTC), LATEST)
    assert bounds("0001~")[0] == EARLIEST


REFUSED = [
    "",
    " 2016",
    "2016\n",
    "yesterday",
    "16",
    "2016-3",
    "2016-13",
    "2016-20",
    "2016-42",
    "2015-02-29",
    "2016-04-31",
    "2018/2015",
    "../..",
    "/2015",
    "2015/",
    "2015/2016/2017",
    "2016-21-03",
    "201X-03",
    "2016-XX-05",
    "0000",
    "2016-03-05T10:00",
    "2016~~",
    "٢٠١٦",
    "2016-00",
    "2016-03-00",
    "2016/foo",
]


@pytest.mark.parametrize("value", REFUSED)
def test_anything_else_is_refused_by_name(value: str) -> None:
    with pytest.raises(ValueError, match=r"is no |ends before it begins|open at both ends") as refusal:
        require_edtf(value)
    assert repr(value) in str(refusal.value)


@given(st.dates())
def test_a_day_is_one_day_long_wherever_it_lies(day: date) -> None:
    start, end = bounds(day.isoformat())
    assert start.date() == day
    assert end - start == timedelta(days=1) or end == LATEST


@given(st.text(max_size=12))
def test_no_text_fails_otherwise_than_by_a_value_error(text: str) -> None:
    try:
        start, end = bounds(text)
    except ValueError:
        return
    assert start < end
