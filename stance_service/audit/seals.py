"""Whether what is recorded is what checkpoints have sealed. Pure."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Protocol, Self

from shared.checkpoints import CheckpointError, genuine, hash_of, require_successor
from shared.dead_letters import Record
from shared.events import Checkpoint, Digest
from shared.signing import TrustedKeys
from stance_service.audit.findings import Finding, Kind, Place


@dataclass(frozen=True)
class CheckpointLog:
    """The genuine checkpoints, in order, and what is wrong with the others."""

    genuine: Sequence[Checkpoint]
    findings: Sequence[Finding]
    last: bytes | None = None
    """The last genuine one on the topic, as it lies there."""


def read_log(records: Iterable[Record], copies: Iterable[bytes], trusted: TrustedKeys, topic: str) -> CheckpointLog:
    """Of the topic of checkpoints, and of `copies` that were kept elsewhere. `topic`: its name."""
    found: list[Checkpoint] = []
    wrong: list[Finding] = []
    hashes: set[str] = set()
    before: bytes | None = None
    for record in records:
        try:
            checkpoint = genuine(record.value or b"", trusted)
            require_successor(checkpoint, before)
        except CheckpointError as error:
            wrong.append(Finding(Kind.FORGED, Place(topic, record.partition, record.offset), "", str(error)))
            continue
        before = record.value or b""
        hashes.add(hash_of(before))
        found.append(checkpoint)
    for number, copy in enumerate(copies, 1):
        try:
            checkpoint = genuine(copy, trusted)
        except CheckpointError as error:
            wrong.append(Finding(Kind.FORGED, Place(topic, 0), f"copy {number}", str(error)))
            continue
        if hash_of(copy) not in hashes:
            found.append(checkpoint)
            reason = f"checkpoint {checkpoint.sequence} of {checkpoint.signed_at.isoformat()} is in the copies only"
            wrong.append(Finding(Kind.MISSING, Place(topic, 0), f"copy {number}", reason))
    return CheckpointLog(found, wrong, before)


@dataclass(frozen=True)
class Statement:
    """What a checkpoint says of one partition."""

    checkpoint: Checkpoint
    partition: int
    count: int
    digest: Digest
    place: tuple[str, int] | None = None
    """The topic's name and the offset after the last record, where the checkpoint tells them."""


class Part(Protocol):
    """What was read of one partition so far. `complete`: from its first record on."""

    partition: int
    complete: bool
    count: int
    end_offset: int

    def digest(self) -> Digest:
        """Of all of it."""
        ...


class Sealed:
    """What checkpoints say of the partitions of a topic, held against what is there. `of`: what its records are."""

    def __init__(self, statements: Iterable[Statement], topic: str, of: str) -> None:
        self._topic = topic
        self._of = of
        self._due: dict[tuple[int, int], list[Statement]] = {}
        self._reported: set[int] = set()
        self._moved: set[int] = set()
        self._upto: dict[int, int] = {}
        for each in statements:
            self._due.setdefault((each.partition, each.count), []).append(each)
            self._upto[each.partition] = max(each.count, self._upto.get(each.partition, 0))

    @classmethod
    def of_changes(cls, checkpoints: Iterable[Checkpoint], topic: str) -> Self:
        """The chains of changes."""
        found = (
            Statement(each, part.partition, part.changes, part.heads, (each.topic, part.end_offset))
            for each in checkpoints
            for part in each.partitions
        )
        return cls(found, topic, "changes")

    @classmethod
    def of_source(cls, checkpoints: Iterable[Checkpoint], source: str, topic: str) -> Self:
        """The records of a topic that changes follow from. `source`: its name in checkpoints; `topic`: here."""
        found = (
            Statement(each, part.partition, part.records, part.digest)
            for each in checkpoints
            for part in each.sources
            if part.topic == source
        )
        return cls(found, topic, "records")

    @property
    def partitions(self) -> Set[int]:
        """Those that anything was said of."""
        return self._upto.keys()

    def reached(self, part: Part) -> Iterator[Finding]:
        """To be asked whenever a record of a partition was taken in, and before the first."""
        due = self._due.pop((part.partition, part.count), ())
        if not due or not part.complete or part.partition in self._reported:
            return
        found = part.digest()
        for each in due:
            if each.digest != found:
                reason = f"the first {each.count} {self._of} are not those that it sealed"
                yield self._finding(Kind.ALTERED, part.partition, each.checkpoint, reason)
                return  # those after it can't be right either
            if each.place not in {None, (self._topic, part.end_offset)}:
                self._moved.add(part.partition)

    def ended(self, part: Part) -> Iterator[Finding]:
        """To be asked when all of a partition was taken in."""
        left = {n: due for (number, n), due in self._due.items() if number == part.partition and n > part.count}
        if left and part.complete:
            count = min(left)
            reason = f"it sealed {count} {self._of}, and there are {part.count}"
            yield self._finding(Kind.TRUNCATED, part.partition, left[count][0].checkpoint, reason)

    def notes(self, parts: Iterable[Part]) -> Iterator[str]:
        """What a reader of the findings has to know, too; to be asked at the end."""
        later = sum(max(0, each.count - self._upto.get(each.partition, 0)) for each in parts)
        if self._upto and later:
            yield f"{later} {self._of} are later than the last checkpoint: only the next one seals them."
        if self._moved:
            yield (
                f"{self._topic} is a copy of the topic that was sealed: partitions {sorted(self._moved)} have another "
                "name or other offsets."
            )

    def _finding(self, kind: Kind, partition: int, checkpoint: Checkpoint, reason: str) -> Finding:
        self._reported.add(partition)
        subject = f"checkpoint {checkpoint.sequence} of {checkpoint.signed_at.isoformat()}"
        return Finding(kind, Place(self._topic, partition), subject, reason)
