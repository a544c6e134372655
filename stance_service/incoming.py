"""What a record of the observations is: to be tracked, refused, or unreadable. Pure.

Refused is what can be read and can't be true; it is parked, counted, and left out alike whenever it is read again.
What can't be read at all stops the tracker: nobody knows what it leaves out.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from shared.edtf import EARLIEST, bounds
from shared.errors import PermanentError
from stance_service.observe import CLOCK_TOLERANCE, FIRST_YEAR, RefusedError
from stance_service.records import OBSERVED, Entry, ObservationRecord, WithdrawalRecord, decode

FIRST_YEAR_HELD: Final = 1000
_OUT_OF_RANGE: Final = {"greater_than_equal", "less_than_equal", "finite_number"}
_HOUR_MS: Final = 3_600_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableError(PermanentError):
    """The bytes of a record are no observation and no withdrawal."""


def read(
    key: bytes | None, value: bytes | None, written_at_ms: int, axes: Collection[str] | None
) -> ObservationRecord | WithdrawalRecord:
    """What a record says; raises RefusedError or UnreadableError.

    `written_at_ms`: its timestamp in Kafka. `axes`: those configured; None: any.
    """
    if value is None:
        raise UnreadableError("it has no value")
    try:
        event = decode(value)
    except ValidationError as error:
        raise _refused_or_unreadable(error) from error
    if key != event.actor.encode():
        raise UnreadableError(f"its key is {key!r}, its actor {event.actor!r}")
    require_possible(event, written_at_ms, axes)
    return event


def require_possible(event: Entry, written_at_ms: int, axes: Collection[str] | None) -> None:
    """Raises RefusedError for what can't be true."""
    observed_at = event.observed_at
    if observed_at > _hour_after(written_at_ms // _HOUR_MS) + CLOCK_TOLERANCE:
        raise RefusedError("observed_at", f"{observed_at.isoformat()} is after the record was written")
    if not isinstance(event, OBSERVED):
        return
    published_at = event.published_at
    if published_at.year < FIRST_YEAR or published_at > observed_at + CLOCK_TOLERANCE:
        raise RefusedError("published_at", f"{published_at.isoformat()} is before {FIRST_YEAR} or after observed_at")
    if event.held_at is not None:
        earliest = _earliest(event.held_at)
        if earliest is not None and (earliest.year < FIRST_YEAR_HELD or earliest > observed_at + CLOCK_TOLERANCE):
            raise RefusedError("held_at", f"{event.held_at} is before {FIRST_YEAR_HELD} or after observed_at")
    if axes is not None and event.axis not in axes:
        raise RefusedError("axis", f"{event.axis!r} is none of {', '.join(sorted(axes))}; see STANCE_PROPOSITIONS")


def _refused_or_unreadable(error: ValidationError) -> PermanentError:
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    where = ".".join(map(str, first["loc"])) or "record"
    if all(each["loc"][-1:] == ("confidence",) and each["type"] in _OUT_OF_RANGE for each in problems):
        return RefusedError("confidence", first["msg"])
    return UnreadableError(f"{where}: {first['msg']}")


@lru_cache(maxsize=64)
def _hour_after(hours: int) -> datetime:
    return _EPOCH + timedelta(hours=hours + 1)


@lru_cache(maxsize=65_536)
def _earliest(held_at: str) -> datetime | None:
    """None: as far back as one likes."""
    earliest = bounds(held_at)[0]
    return None if earliest == EARLIEST else earliest
