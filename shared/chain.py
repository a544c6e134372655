"""The chain of an actor's stance changes: each names the hash of the one before. Pure.

A change's hash is the SHA-256 of its canonical form (RFC 8785) without `hash`. One from before changes were chained
counts as if it had been given its `sequence` and `previous`: so the first that names a hash seals those before it, too.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from shared.canonical import canonical, without
from shared.events import Digest, Slug, StanceChange


class Head(NamedTuple):
    """The last change of an actor."""

    sequence: int
    hash: Digest


class Link(Struct, frozen=True, gc=False):
    """What a recorded change says of its place in the chain."""

    sequence: int | None = None
    previous: Digest | None = None
    hash: Digest | None = None


link_of: Final = msgspec.json.Decoder(Link).decode
"""Of the bytes of a change; raises msgspec.DecodeError."""


def following(head: Head | None, value: bytes) -> Head:
    """The head after a change, given its bytes, whatever they say of the chain themselves; ValueError if no JSON."""
    sequence, previous = (1, None) if head is None else (head.sequence + 1, head.hash)
    place = {"sequence": sequence, "previous": previous}
    return Head(sequence, sha256(without(value, "hash") | place))


def sha256(value: object) -> Digest:
    """Of the canonical form, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def heads_digest(heads: Mapping[Slug, Digest]) -> Digest:
    """Of the hash of each actor's last change."""
    return sha256(dict(heads))


def linked(change: StanceChange, head: Head | None) -> tuple[StanceChange, Head]:
    """A change with its place after the head, and the head after it."""
    after = following(head, change.model_dump_json().encode())
    link = {"sequence": after.sequence, "previous": head and head.hash, "hash": after.hash}
    return change.model_copy(update=link), after


def hash_of(value: bytes) -> Digest:
    """What the hash of a recorded change has to be, given its bytes and the place that they claim."""
    return sha256(without(value, "hash"))


class Heads:
    """The last change of each actor of a partition, as recorded; goes on from there."""

    def __init__(self) -> None:
        self._heads: dict[Slug, Head] = {}
        self._unlinked: dict[Slug, list[bytes]] = {}

    def saw(self, actor: Slug, value: bytes) -> None:
        """Takes in the bytes of a recorded change, in their order; raises msgspec.DecodeError."""
        link = link_of(value)
        if link.sequence is None or link.hash is None:
            self._unlinked.setdefault(actor, []).append(value)
            return
        head = self._heads.get(actor)
        if head is None or link.sequence > head.sequence:  # an old one again doesn't lead the chain back
            self._heads[actor] = Head(link.sequence, link.hash)
            self._unlinked.pop(actor, None)

    def link(self, changes: Iterable[StanceChange]) -> list[StanceChange]:
        """The changes with their places; they count as recorded."""
        found: list[StanceChange] = []
        for change in changes:
            sealed, self._heads[change.actor] = linked(change, self._head(change.actor))
            found.append(sealed)
        return found

    def _head(self, actor: Slug) -> Head | None:
        head = self._heads.get(actor)
        for value in self._unlinked.pop(actor, ()):
            head = following(head, value)
        return head
