"""Stance changes as server-sent events, and the places that streams are resumed at. Pure."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from shared.events import StanceChange

RETRY_MS: Final = 3000
"""How long clients wait before they connect again."""
_PLACE: Final = re.compile(r"\d{1,18}(-\d{1,18})*", re.ASCII)


class PlaceError(ValueError):
    """No stream was ever at such a place."""


@dataclass(frozen=True)
class Place:
    """How far a stream has come: of each partition, the next offset."""

    offsets: tuple[int, ...]

    @classmethod
    def read(cls, text: str, partitions: int) -> "Place":
        """From the id of an event; raises PlaceError."""
        found = tuple(map(int, text.split("-"))) if _PLACE.fullmatch(text) else ()
        if len(found) != partitions:
            raise PlaceError(f"{text!r} is no id of an event of this stream")
        return cls(found)

    def past(self, partition: int, offset: int) -> "Place":
        """With one more record read."""
        offsets = list(self.offsets)
        offsets[partition] = max(offsets[partition], offset + 1)
        return Place(tuple(offsets))

    def or_later(self, other: "Place") -> "Place":
        """What is behind both."""
        return Place(tuple(map(max, self.offsets, other.offsets)))

    def __str__(self) -> str:
        return "-".join(map(str, self.offsets))


@dataclass(frozen=True)
class Change:
    """A stance change, where it lies, and as it lies there."""

    partition: int
    offset: int
    change: StanceChange
    value: bytes


@dataclass(frozen=True)
class Filter:
    """Which changes a client wants: of several values any will do, empty ones want all."""

    actors: Set[str] = frozenset()
    tags: Set[str] = frozenset()
    axes: Set[str] = frozenset()
    kinds: Set[str] = frozenset()

    def wants(self, change: StanceChange, tags: Mapping[str, Set[str]]) -> bool:
        """Whether all that is given holds. `tags`: of each registered actor."""
        return (
            (not self.actors or change.actor in self.actors)
            and (not self.tags or not self.tags.isdisjoint(tags.get(change.actor, frozenset())))
            and (not self.axes or change.axis in self.axes)
            and (not self.kinds or change.kind.value in self.kinds)
        )


def opening(place: Place) -> bytes:
    """What a stream begins with: a client that is cut off before the first change knows where it was, too."""
    return f"retry: {RETRY_MS}\nid: {place}\n\n".encode()


def event(change: Change, place: Place) -> bytes:
    """A change. The JSON on the topic has no line breaks."""
    return b"id: %b\ndata: %b\n\n" % (str(place).encode(), change.value)


def heartbeat(place: Place) -> bytes:
    """Nothing new that is wanted; also tells how far the stream has come past what isn't."""
    return f": nothing new\nid: {place}\n\n".encode()
