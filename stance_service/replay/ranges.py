"""Which records of a topic a replay goes through; refused if they are no longer all there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.errors import PermanentError
from shared.settings import BrokerSettings
from stance_service.scanning import Spans, ends, offsets_at

_OFFSETS: Final = re.compile(r"\d+/\d+(,\d+/\d+)*", re.ASCII)

Bound = datetime | Mapping[int, int] | None
"""An instant at which records were written, offsets by partition, or as far as the topic goes."""


class RangeError(PermanentError):
    """There is no such range, or no longer all of it."""


def bound(text: str | None, option: str) -> Bound:
    """From an option: a date, a time, or offsets such as `0/1200,3/80`."""
    if text is None:
        return None
    if _OFFSETS.fullmatch(text):
        pairs = [each.split("/") for each in text.split(",")]
        return {int(partition): int(offset) for partition, offset in pairs}
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RangeError(
            f"{option} {text!r} is neither a date such as 2024-03-13, nor a time, nor offsets by partition such as "
            "0/1200,3/80"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


@dataclass(frozen=True)
class Asked:
    """Of a topic, from one bound to another."""

    topic: str
    start: Bound = None
    end: Bound = None

    def resolve(self, settings: BrokerSettings, *, may_be_empty: bool = False) -> dict[int, tuple[int, int]]:
        """The offsets of all partitions; raises RangeError if some of the records are gone, or if there are none."""
        kept = ends(settings, self.topic)
        highs = {number: end for number, (_, end) in kept.items()}
        firsts = self._offsets(settings, self.start, dict.fromkeys(kept, 0), highs)
        lasts = self._offsets(settings, self.end, highs, highs)
        for number, (first, _) in kept.items():
            timed = isinstance(self.start, datetime) and firsts[number] == first > 0  # what was before, nobody knows
            if firsts[number] < first or timed:
                raise RangeError(self._lost(number, kept))
        spans = {number: (firsts[number], max(firsts[number], lasts[number])) for number in kept}
        if not may_be_empty and all(first == end for first, end in spans.values()):
            raise RangeError(f"{self.topic} has no records in that range; it goes from {_written(kept)}")
        return spans

    def _lost(self, number: int, kept: Spans) -> str:
        left = ",".join(f"{each}/{first}" for each, (first, _) in kept.items())
        return (
            f"{self.topic}, partition {number} begins only at offset {kept[number][0]}: what was written before is no "
            f"longer there. It can't be replayed; what is left begins at {left}"
        )

    def _offsets(
        self, settings: BrokerSettings, at: Bound, otherwise: Mapping[int, int], highs: Mapping[int, int]
    ) -> dict[int, int]:
        if at is None:
            return dict(otherwise)
        if isinstance(at, datetime):
            return offsets_at(settings, self.topic, at, highs)
        for number, offset in at.items():
            if offset > highs.get(number, -1):
                known = f"ends at offset {highs[number]}" if number in highs else f"is none of {len(highs)}"
                raise RangeError(f"{self.topic}, {number}/{offset}: partition {number} {known}")
        return {**otherwise, **at}


def _written(kept: Spans) -> str:
    return ", ".join(f"{number}/{first} to {number}/{end}" for number, (first, end) in kept.items())
