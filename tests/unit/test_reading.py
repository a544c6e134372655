"""What times the options of reading commands mean."""

from datetime import UTC, datetime

import pytest

from stance_service.reading import instant


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-03-13", datetime(2024, 3, 13, tzinfo=UTC), datetime(2024, 3, 13, 23, 59, 59, 999999, UTC)),
        ("20240313", datetime(2024, 3, 13, tzinfo=UTC), datetime(2024, 3, 13, 23, 59, 59, 999999, UTC)),
        ("20240313T10", datetime(2024, 3, 13, 10, tzinfo=UTC), datetime(2024, 3, 13, 10, tzinfo=UTC)),
        ("2024-03-13T01:00+02:00", datetime(2024, 3, 12, 23, tzinfo=UTC), datetime(2024, 3, 12, 23, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_first_or_last_instant_and_a_time_is_itself(text: str, first: datetime, last: datetime) -> None:
    assert (instant(text, "--as-of"), instant(text, "--known-at", end_of_day=True)) == (first, last)
