"""Digests of what is recorded on a topic, whatever it is. Pure."""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any

from shared.dead_letters import Record
from shared.events import Digest, SealedSource

_ABSENT = -1


@dataclass
class PartitionDigest:
    """Of the keys and values of a partition's records. `complete`: the partition still has its first record.

    Each key and each value goes into one SHA-256 after its length, as four bytes in network order: -1 if there is none.
    """

    partition: int
    complete: bool = True
    count: int = 0
    end_offset: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def take(self, record: Record) -> None:
        """Takes in the next record of the partition."""
        self.count += 1
        self.end_offset = record.offset + 1
        for part in (record.key, record.value):
            self._hash.update(struct.pack(">i", _ABSENT if part is None else len(part)))
            self._hash.update(part or b"")

    def digest(self) -> Digest:
        """Of all that was taken in."""
        found: str = self._hash.hexdigest()
        return found

    def seal(self, topic: str) -> SealedSource:
        """A statement of all that was taken in."""
        return SealedSource(topic=topic, partition=self.partition, records=self.count, digest=self.digest())
