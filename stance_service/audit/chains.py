"""Whether the recorded stance changes are the links of unbroken chains. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from shared.chain import Head, Link, following, hash_of, heads_digest, link_of
from shared.cloudevents import from_kafka, to_kafka
from shared.dead_letters import Record
from shared.errors import PermanentError
from shared.events import Digest, SealedPartition, Slug, StanceChange
from stance_service.audit.findings import Finding, Kind, Place


@dataclass
class PartitionChains:
    """Of the actors of one partition of the changes. `complete`: the partition still has its first record."""

    partition: int
    complete: bool = True
    count: int = 0
    """Of changes."""
    end_offset: int = 0
    _heads: dict[Slug, Head] = field(default_factory=dict)
    _chained: set[Slug] = field(default_factory=set)
    _ids: set[Digest] = field(default_factory=set)

    def take(self, record: Record) -> list[Finding]:
        """Takes in the next record of the partition; what is wrong with it, and between it and those before it."""
        self.count += 1
        self.end_offset = record.offset + 1
        try:
            change = from_kafka(record.headers, record.value)
            link = link_of(record.value or b"")
        except (PermanentError, msgspec.DecodeError) as error:
            return [_finding(Kind.ALTERED, record, None, str(error))]
        found = [_finding(Kind.ALTERED, record, change, reason) for reason in _disguises(record, change)]
        if change.id in self._ids:
            found.append(_finding(Kind.UNEXPECTED, record, change, "it is there a second time"))
        self._ids.add(change.id)
        judged = self._unlinked(record, change) if link.hash is None else self._linked(record, change, link)
        try:
            found += judged
        except ValueError as error:
            found.append(_finding(Kind.ALTERED, record, change, f"it has no canonical form: {error}"))
        return found

    def digest(self) -> Digest:
        """Of the heads of all chains."""
        return heads_digest({actor: head.hash for actor, head in self._heads.items()})

    def seal(self) -> SealedPartition:
        """A statement of all that was taken in."""
        return SealedPartition(
            partition=self.partition, changes=self.count, end_offset=self.end_offset, heads=self.digest()
        )

    def _unlinked(self, record: Record, change: StanceChange) -> Iterator[Finding]:
        if change.actor in self._chained:
            yield _finding(Kind.ALTERED, record, change, "it has no hash, though the actor's changes before it do")
        self._heads[change.actor] = following(self._heads.get(change.actor), record.value or b"")

    def _linked(self, record: Record, change: StanceChange, link: Link) -> Iterator[Finding]:
        actor, sequence, hash_ = change.actor, link.sequence or 0, link.hash or ""
        head = self._heads.get(actor)
        due = head.sequence + 1 if head else 1
        right = hash_of(record.value or b"")
        if right != hash_:
            yield _finding(Kind.ALTERED, record, change, f"its content has the hash {right}, and it claims {hash_}")
        if head is None and not self.complete:
            pass  # what it follows is gone, and said to be
        elif sequence > due:
            yield _finding(
                Kind.MISSING, record, change, f"changes {due} to {sequence - 1} of {actor} are not before it"
            )
        elif sequence < due:
            yield _finding(Kind.REORDERED, record, change, f"it is number {sequence} of {actor}, and {due} was due")
            return
        elif link.previous != (head and head.hash):
            reason = f"it follows {link.previous or 'nothing'}, but before it is {head.hash if head else 'nothing'}"
            yield _finding(Kind.ALTERED, record, change, reason)
        self._chained.add(actor)
        self._heads[actor] = Head(sequence, hash_)


def _disguises(record: Record, change: StanceChange) -> Iterator[str]:
    """How the record's key and headers contradict the change in it."""
    key, headers, _ = to_kafka(change)
    if record.key != key:
        yield f"its key is {record.key!r}, its actor {change.actor!r}"
    recorded = dict(record.headers)
    for name, value in headers:
        if recorded.get(name) != (value.encode() if isinstance(value, str) else value):
            yield f"its header {name} is {recorded.get(name)!r} and must be {value!r}"


def _finding(kind: Kind, record: Record, change: StanceChange | None, reason: str) -> Finding:
    place = Place(record.topic, record.partition, record.offset)
    return Finding(kind, place, change.id if change else "", reason)
