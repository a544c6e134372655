"""Fill the topics of a shadow, and let the tracker run on them."""

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

from confluent_kafka import TopicPartition

from shared import broker
from shared.dead_letters import Record
from shared.events import Observation, Withdrawal
from shared.settings import BrokerSettings
from shared.topics import OBSERVATIONS
from stance_service.publishing import GROUP
from stance_service.replay.plan import Plan
from stance_service.replay.processes import Tick
from stance_service.replay.readings import Placed
from stance_service.replay.refolding import Partition, Readings
from stance_service.replay.shadow import Shadow, Writer
from stance_service.scanning import ends, scan
from stance_service.transactions import TransactionalLoop

PLACE: Final = "replay-place"
"""Header of a shadow's observations: the offset in production, and a number for each record that is placed there."""
_LOOK_SECONDS: Final = 0.5
_Place = tuple[int, int]


def fill(shadow: Shadow, partition: Partition, readings: Readings, tick: Tick) -> None:
    """Writes what a partition's tracker is to take in, from where an earlier run stopped.

    The tracker's group begins behind what is only known: it is told before anything of the range is written.
    """
    settings, number = shadow.settings, partition.number
    start = partition.plan.observations[number][0]
    last, count = _last_place(settings, number)
    writer = Writer(settings, OBSERVATIONS)
    for message in partition.context(tick):
        place = (message.offset() or 0, 0)
        if place > last:
            key, value = bytes(message.key() or b""), bytes(message.value() or b"")
            writer.write(key, value, partition=number, timestamp=message.timestamp()[1], headers=_headers(place))
            count += 1
    if start > 0 and last < (start, 0):
        writer.finish()
        _commit(settings, TopicPartition(settings.topic(OBSERVATIONS), number, count))
    for place, placed in _numbered(partition.spliced(partition.recorded(tick), readings)):
        if place > last:
            value, written = _written(placed)
            key = placed.record.actor.encode()
            writer.write(key, value, partition=number, timestamp=written, headers=_headers(place))
    writer.finish()


def track(shadow: Shadow, plan: Plan, member: str, tick: Tick) -> None:
    """One tracker as it runs live, until all of the shadow is tracked."""
    finished = _Finished(shadow.settings, tick if member == "0" else lambda _: None)
    try:
        TransactionalLoop(shadow.settings, plan.parameters, member, axes=frozenset(plan.axes), sparing=True).run(
            finished
        )
    finally:
        finished.close()


class _Finished:
    """Whether the tracker's group has committed all observations."""

    def __init__(self, settings: BrokerSettings, tick: Tick) -> None:
        self._seconds = settings.kafka_timeout_seconds
        self._tick = tick
        self._consumer = broker.consumer(settings, GROUP)
        self._ends = {n: end for n, (_, end) in ends(settings, settings.topic(OBSERVATIONS)).items()}
        self._places = [TopicPartition(settings.topic(OBSERVATIONS), number) for number in self._ends]
        self._told = 0
        self._looked_at = -_LOOK_SECONDS
        self._all = False

    def __call__(self) -> bool:
        if time.monotonic() - self._looked_at > _LOOK_SECONDS:
            self._looked_at = time.monotonic()
            known = broker.committed(self._consumer, self._places, self._seconds)
            read = {at.partition: max(0, at.offset) for at in known}
            self._tick(sum(read.values()) - self._told)
            self._told = sum(read.values())
            self._all = all(read[number] >= end for number, end in self._ends.items())
        return self._all

    def close(self) -> None:
        self._consumer.close()


def _numbered(records: Iterable[Placed]) -> Iterator[tuple[_Place, Placed]]:
    for offset, group in groupby(records, attrgetter("offset")):
        yield from (((offset, number), placed) for number, placed in enumerate(group))


def _written(placed: Placed) -> tuple[bytes, int]:
    """Value and time of a record: as they are, or those of a new one."""
    if placed.value is not None:
        return placed.value, placed.written_at_ms
    if not isinstance(placed.record, Observation | Withdrawal):
        raise TypeError(f"{placed.record!r} is not new")
    return placed.record.model_dump_json().encode(), int(placed.record.observed_at.timestamp() * 1000)


def _headers(place: _Place) -> list[tuple[str, str | bytes | None]]:
    return [(PLACE, "/".join(map(str, place)).encode())]


def _last_place(settings: BrokerSettings, number: int) -> tuple[_Place, int]:
    """Of the last record of a shadow's partition, and how many records there are."""
    topic = settings.topic(OBSERVATIONS)
    _, count = ends(settings, topic)[number]
    last = [each for messages in scan(settings, topic, {number: (max(0, count - 1), count)}) for each in messages]
    if not last:
        return (-1, 0), 0
    offset, _, at = (dict(Record.of_confluent(last[0]).headers)[PLACE] or b"").decode().partition("/")
    return (int(offset), int(at)), count


def _commit(settings: BrokerSettings, at: TopicPartition) -> None:
    consumer = broker.consumer(settings, GROUP)
    try:
        consumer.commit(offsets=[at], asynchronous=False)
    finally:
        consumer.close()
