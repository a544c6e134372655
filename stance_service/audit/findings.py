"""What a verification found. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

NOTHING: Final = "nothing"


class Kind(StrEnum):
    """How what is recorded differs from what has to be there."""

    ALTERED = "altered"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is, or should be as far as that is known."""

    topic: str
    partition: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        parts = (f"partition {self.partition}", f"offset {self.offset}")
        known = (part for part, number in zip(parts, (self.partition, self.offset), strict=True) if number is not None)
        return ", ".join((self.topic, *known))


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    kind: Kind
    place: Place
    subject: str
    """The change, the actor and axis, or the checkpoint."""
    reason: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """What is recorded and what is right, where the two differ."""


@dataclass
class Verdict:
    """Of a whole verification."""

    differences: list[Finding] = field(default_factory=list)
    unverifiable: list[str] = field(default_factory=list)
    """What could not be verified, and why."""
    notes: list[str] = field(default_factory=list)
    verified: dict[str, int] = field(default_factory=dict)
    """How much of what was compared."""

    @property
    def status(self) -> int:
        """Exit status: 1, there are differences; 2, none, but not all could be verified; 0, all is as it has to be."""
        return 1 if self.differences else 2 if self.unverifiable else 0

    def count(self, what: str, number: int = 1) -> None:
        """So many more were compared."""
        self.verified[what] = self.verified.get(what, 0) + number


def differing(recorded: bytes, right: bytes) -> dict[str, tuple[Any, Any]]:
    """The fields in which two JSON objects differ; empty if only their bytes do."""
    return dict(_differing(msgspec.json.decode(recorded), msgspec.json.decode(right), ""))


def _differing(recorded: Any, right: Any, where: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(recorded, dict) and isinstance(right, dict):
        for name in dict.fromkeys((*recorded, *right)):
            yield from _differing(recorded.get(name, NOTHING), right.get(name, NOTHING), f"{where}.{name}".lstrip("."))
    elif isinstance(recorded, list) and isinstance(right, list) and len(recorded) == len(right):
        for number, (one, other) in enumerate(zip(recorded, right, strict=True)):
            yield from _differing(one, other, f"{where}.{number}")
    elif recorded != right:
        yield where, (recorded, right)
