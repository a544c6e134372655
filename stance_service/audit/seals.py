"""Whether the recorded stance changes are those that checkpoints have sealed. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.checkpoints import CheckpointError, genuine, hash_of, require_successor
from shared.dead_letters import Record
from shared.events import Checkpoint, SealedPartition
from shared.signing import TrustedKeys
from stance_service.audit.chains import PartitionChains
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


class Sealed:
    """What checkpoints say of the partitions of a topic, held against what is there."""

    def __init__(self, checkpoints: Iterable[Checkpoint], topic: str) -> None:
        self._topic = topic
        self._due: dict[tuple[int, int], list[tuple[Checkpoint, SealedPartition]]] = {}
        self._reported: set[int] = set()
        self._moved: set[int] = set()
        self._upto: dict[int, int] = {}
        for checkpoint in checkpoints:
            for each in checkpoint.partitions:
                self._due.setdefault((each.partition, each.changes), []).append((checkpoint, each))
                self._upto[each.partition] = max(each.changes, self._upto.get(each.partition, 0))

    def reached(self, chains: PartitionChains) -> Iterator[Finding]:
        """To be asked whenever a partition has taken in a record, and before the first."""
        due = self._due.pop((chains.partition, chains.changes), ())
        if not due or not chains.complete or chains.partition in self._reported:
            return
        found = chains.seal()
        for checkpoint, sealed in due:
            if sealed.heads != found.heads:
                reason = f"the first {sealed.changes} changes are not those that it sealed"
                yield self._finding(Kind.ALTERED, chains.partition, checkpoint, reason)
                return  # those after it can't be right either
            if (checkpoint.topic, sealed.end_offset) != (self._topic, found.end_offset):
                self._moved.add(chains.partition)

    def ended(self, chains: PartitionChains) -> Iterator[Finding]:
        """To be asked when all of a partition was taken in."""
        left = {count: due for (number, count), due in self._due.items() if number == chains.partition}
        if left and chains.complete:
            count = min(left)
            checkpoint, _ = left[count][0]
            reason = f"it sealed {count} changes, and there are {chains.changes}"
            yield self._finding(Kind.TRUNCATED, chains.partition, checkpoint, reason)

    def notes(self, partitions: Iterable[PartitionChains]) -> Iterator[str]:
        """What a reader of the findings has to know, too; to be asked at the end."""
        later = sum(max(0, each.changes - self._upto.get(each.partition, 0)) for each in partitions)
        if self._upto and later:
            yield f"{later} changes are later than the last checkpoint: only the next one seals them."
        if self._moved:
            yield (
                f"{self._topic} is a copy of the topic that was sealed: partitions {sorted(self._moved)} have another "
                "name or other offsets."
            )

    def _finding(self, kind: Kind, partition: int, checkpoint: Checkpoint, reason: str) -> Finding:
        self._reported.add(partition)
        subject = f"checkpoint {checkpoint.sequence} of {checkpoint.signed_at.isoformat()}"
        return Finding(kind, Place(self._topic, partition), subject, reason)
