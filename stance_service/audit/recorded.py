"""What the tracker has read and recorded, as it lies on the topics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import TopicPartition
from pydantic import ValidationError

from shared import broker, topics
from shared.dead_letters import Parked, Record, parked, parked_by_hand
from shared.settings import BrokerSettings
from shared.topics import Topic
from stance_service.audit.chains import PartitionChains
from stance_service.audit.digests import PartitionDigest
from stance_service.audit.findings import Finding
from stance_service.audit.seals import Sealed
from stance_service.publishing import GROUP
from stance_service.records import Entry, decode
from stance_service.restore import UnreadableObservationError
from stance_service.scanning import Spans, ends, scan

SOURCES: Final = (topics.ARTICLES, topics.OBSERVATIONS)
"""What changes follow from."""


def spans_of(settings: BrokerSettings, topic: Topic) -> dict[int, tuple[int, int]]:
    """From where to where the partitions of a topic go; what is being committed now is part of it."""
    return ends(settings, settings.topic(topic), uncommitted=True)


def records(settings: BrokerSettings, topic: Topic, spans: Spans | None = None) -> Iterator[Record]:
    """All that is committed on a topic, or on some parts of its partitions, each in its order."""
    for messages in scan(settings, settings.topic(topic), spans_of(settings, topic) if spans is None else spans):
        yield from map(Record.of_confluent, messages)


def verified_chains(
    settings: BrokerSettings, spans: Spans, sealed: Sealed, keep: Callable[[Record], None]
) -> tuple[list[PartitionChains], list[Finding]]:
    """The chains of all changes, and what is wrong with them. `keep` is given each record.

    What operators took out is left out, as by everybody else; if it was sealed before, it is missed.
    """
    taken_out = parked_by_hand(settings, topics.CHANGES)
    chains = {number: PartitionChains(number, complete=first == 0) for number, (first, _) in spans.items()}
    found = [finding for each in chains.values() for finding in sealed.reached(each)]
    for record in records(settings, topics.CHANGES, spans):
        if (record.partition, record.offset) in taken_out:
            continue
        keep(record)
        found += chains[record.partition].take(record)
        found += sealed.reached(chains[record.partition])
    found += [finding for each in chains.values() for finding in sealed.ended(each)]
    return list(chains.values()), found


def digested(
    settings: BrokerSettings, topic: Topic, spans: Spans, parts: Mapping[int, PartitionDigest], sealed: Sealed
) -> list[Finding]:
    """Takes all of the spans into the digests of their partitions; what is wrong with that."""
    found = [finding for each in parts.values() for finding in sealed.reached(each)]
    for record in records(settings, topic, spans):
        parts[record.partition].take(record)
        found += sealed.reached(parts[record.partition])
    return found + [finding for each in parts.values() for finding in sealed.ended(each)]


def tracked_to(settings: BrokerSettings) -> dict[int, int | None]:
    """Up to which offset each partition of the observations has been tracked; None: nobody knows."""
    topic = settings.topic(topics.OBSERVATIONS)
    reader = broker.consumer(settings, GROUP)
    try:
        places = [TopicPartition(topic, number) for number in spans_of(settings, topics.OBSERVATIONS)]
        known = broker.committed(reader, places, settings.kafka_timeout_seconds)
        return {each.partition: each.offset if each.offset >= 0 else None for each in known}
    finally:
        reader.close()


@dataclass
class Observations:
    """What was tracked: all but what was parked."""

    settings: BrokerSettings
    parked: list[Parked] = field(default_factory=list)

    @classmethod
    def of(cls, settings: BrokerSettings) -> "Observations":
        """As they are now."""
        return cls(settings, list(parked(settings, topics.OBSERVATIONS)))

    def entries(self, partition: int, until: int) -> Iterator[tuple[int, Entry]]:
        """Offsets and observations of a whole partition up to an offset; raises UnreadableObservationError."""
        left_out = {each.letter.record.offset for each in self.parked if each.letter.record.partition == partition}
        for record in records(self.settings, topics.OBSERVATIONS, {partition: (0, until)}):
            if record.offset in left_out or record.key is None or record.value is None:
                continue
            yield record.offset, _entry(record, record.key, record.value)


def _entry(record: Record, key: bytes, value: bytes) -> Entry:
    try:
        entry = decode(value)
    except ValidationError as error:
        reason = f"it was tracked and can't be read any more: {error}"
        raise UnreadableObservationError(record.topic, record.partition, record.offset, reason) from error
    if key != entry.actor.encode():
        reason = f"its key is {key!r}, its actor {entry.actor!r}"
        raise UnreadableObservationError(record.topic, record.partition, record.offset, reason)
    return entry
