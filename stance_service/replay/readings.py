"""What articles show when they are read again, put where their first reading lies. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from shared.events import Article, Digest, Observation, Retraction, Slug, UtcDatetime, Withdrawal
from stance_service.observe import withdrawals
from stance_service.records import Entry, ObservationRecord

Revision: TypeAlias = tuple[Digest, int]


class Reading(BaseModel):
    """Of one revision of an article; what ends it: later revisions and retractions withdraw what only it shows."""

    model_config = ConfigDict(frozen=True)

    article_id: Digest
    revision: int
    observed_at: UtcDatetime
    observations: tuple[Observation, ...]
    withdrawals: tuple[Withdrawal, ...] = ()
    failure: str | None = None

    @property
    def key(self) -> Revision:
        return self.article_id, self.revision


class Placed(NamedTuple):
    """A record of the observations at an offset of production's topic. `value` is None if it is not written there."""

    offset: int
    record: Entry
    value: bytes | None = None
    written_at_ms: int = 0


def ended(reading: Reading, later: Iterable[Article | Retraction]) -> Reading:
    """With what the article's events after the reading withdraw of it."""
    actors = {each.actor for each in reading.observations}
    found = [
        withdrawal
        for event in later
        if event.revision > reading.revision or (isinstance(event, Retraction) and event.revision == reading.revision)
        for withdrawal in withdrawals(event, actors, event.observed_at)
    ]
    return reading.model_copy(update={"withdrawals": tuple(found)})


class Replacements:
    """What one partition of the observations gets instead of recorded ones.

    `recorded`: the articles and actors that it has records of. `actors`: whose readings are wanted here.
    """

    def __init__(
        self, readings: Mapping[Revision, Reading], recorded: Set[tuple[Revision, Slug]], actors: Callable[[Slug], bool]
    ) -> None:
        self._read_again = readings.keys()
        self._groups: dict[tuple[Revision, Slug], list[Observation]] = {}
        for reading in readings.values():
            for each in reading.observations:
                if actors(each.actor):
                    self._groups.setdefault((reading.key, each.actor), []).append(each)
        alone: list[Sequence[Observation | Withdrawal]] = [
            group for key, group in self._groups.items() if key not in recorded
        ]
        alone += [[each] for reading in readings.values() for each in reading.withdrawals if actors(each.actor)]
        self._waiting = deque(sorted(alone, key=_when))

    def spliced(self, recorded: Iterable[Placed]) -> Iterator[Placed]:
        """All records, in order.

        An actor's new observations stand where its old ones of the article stood. Those of an actor that the article
        did not show before, and withdrawals, stand where their time of observation puts them.
        """
        done: set[tuple[Revision, Slug]] = set()
        last = -1
        for placed in recorded:
            record, last = placed.record, placed.offset
            while self._waiting and self._waiting[0][0].observed_at <= record.observed_at:
                yield from _placed(last, self._waiting.popleft())
            key = (record.article_id, record.revision), record.actor
            if key[0] not in self._read_again:
                yield placed
            elif key not in done:
                done.add(key)
                yield from _placed(last, self._instead(record, self._groups.get(key, ())))
        while self._waiting:
            yield from _placed(last + 1, self._waiting.popleft())

    def _instead(self, record: Entry, group: Sequence[Observation]) -> list[Observation | Withdrawal]:
        """Also withdraws what the first reading withdrew: that was of an earlier revision."""
        now = [each.model_copy(update={"observed_at": record.observed_at}) for each in group]
        if isinstance(record, Observation | ObservationRecord):
            return list(now)
        withdrawal = Withdrawal(
            actor=record.actor,
            article_id=record.article_id,
            revision=record.revision,
            observed_at=record.observed_at,
            more=bool(now),
        )
        return [withdrawal, *now]


def _placed(offset: int, records: Iterable[Observation | Withdrawal]) -> Iterator[Placed]:
    return (Placed(offset, record) for record in records)


def _when(records: Sequence[Observation | Withdrawal]) -> tuple[datetime, str]:
    return records[0].observed_at, records[0].actor
