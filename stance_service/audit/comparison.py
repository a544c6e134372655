"""Recorded changes and timelines held against recomputed ones, byte by byte. Pure."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from shared import chain
from shared.dead_letters import Record
from shared.events import Digest, StanceChange
from stance_service.audit.findings import Finding, Kind, Place, differing
from stance_service.audit.recompute import Recomputed


class _Said(Struct, frozen=True, gc=False):
    """What a recorded change or timeline says that decides what it is compared with."""

    parameters: str
    id: Digest = ""
    sequence: int | None = None
    previous: Digest | None = None
    hash: Digest | None = None


_said = msgspec.json.Decoder(_Said).decode


@dataclass
class Comparison:
    """Of one partition of the changes and its actors' timelines. `parameters`: the version recomputed with."""

    parameters: str
    findings: list[Finding] = field(default_factory=list)
    changes: int = 0
    timelines: int = 0
    """How many were compared."""
    others: dict[str, int] = field(default_factory=dict)
    """How many were recorded with other parameters, by their version: they can't be compared."""
    undecided: int = 0
    """How many are recomputed, not recorded, and may not have been tracked yet."""

    def compare_changes(self, place: Place, records: Sequence[Record], right: Recomputed) -> None:
        """All changes of the partition that `place` names."""
        places = {change.id: number for number, change in enumerate(right.changes)}
        matched: list[tuple[int, int]] = []  # the places of a recorded change and of the same one recomputed
        foreign: list[int] = []
        for number, record in enumerate(records):
            try:
                said = _said(record.value or b"")
            except msgspec.DecodeError:
                continue  # the verification of the chains says that it is no change
            if said.id in places:
                matched.append((number, places.pop(said.id)))
                self._alike(record, said, right.changes[matched[-1][1]])
            elif said.parameters == self.parameters:
                reason = "it does not follow from the observations"
                self.findings.append(Finding(Kind.UNEXPECTED, _place(record), said.id, reason))
            else:
                foreign.append(number)
                self._other(said)
        self._order(records, matched, right)
        self._missing(place, matched, foreign, right)

    def compare_timelines(self, topic: str, records: Mapping[str, Record], right: Recomputed) -> None:
        """The last ones of the actors that were recomputed; `records` by key."""
        for key in right.timelines.keys() | right.later:
            record, known = records.get(key), right.timelines.get(key)
            if record is None or record.value is None:
                self._absent(topic, key, known)
                continue
            try:
                said = _said(record.value)
            except msgspec.DecodeError as error:
                self.findings.append(Finding(Kind.ALTERED, _place(record), key, f"it is no timeline: {error}"))
                continue
            if said.parameters != self.parameters:
                self._other(said)
                continue
            self.timelines += 1
            if record.value != known and key not in right.agreeing:
                fields = differing(record.value, known) if known else {}
                reason = "it is not what the observations amount to"
                self.findings.append(Finding(Kind.ALTERED, _place(record), key, reason, fields))

    def compare_unexpected(self, records: Mapping[str, Record], known: Collection[str]) -> None:
        """What is recorded of actors and axes that there are no observations of; `known` are the keys of the others."""
        for key, record in records.items():
            if record.value is not None and key not in known:
                reason = "there are no observations that it could follow from"
                self.findings.append(Finding(Kind.UNEXPECTED, _place(record), key, reason))

    def _alike(self, record: Record, said: _Said, change: StanceChange) -> None:
        self.changes += 1
        value = _written(change, said)
        if record.value != value:
            fields = differing(record.value or b"", value)
            reason = "it is not what follows from the observations"
            self.findings.append(Finding(Kind.ALTERED, _place(record), said.id, reason, fields))

    def _order(self, records: Sequence[Record], matched: Sequence[tuple[int, int]], right: Recomputed) -> None:
        highest = -1
        for number, place in matched:
            if place < highest:
                reason = f"it has to come before change {right.changes[highest].id}"
                self.findings.append(Finding(Kind.REORDERED, _place(records[number]), right.changes[place].id, reason))
            highest = max(highest, place)

    def _missing(
        self, where: Place, matched: Sequence[tuple[int, int]], foreign: Sequence[int], right: Recomputed
    ) -> None:
        by_place = sorted((place, number) for number, place in matched)
        known = {place for place, _ in by_place}
        due = _due(right, by_place[-1][0] if by_place else -1)
        for place, change in enumerate(right.changes):
            if place in known:
                continue
            if place >= due:
                self.undecided += 1
            elif not _between(by_place, place, foreign):  # where others were recorded, this wasn't due
                reason = f"{change.kind.value} of {change.actor} on {change.axis} is not recorded"
                self.findings.append(Finding(Kind.MISSING, where, change.id, reason))

    def _absent(self, topic: str, key: str, known: bytes | None) -> None:
        if known is None:
            self.undecided += 1
        else:
            self.findings.append(Finding(Kind.MISSING, Place(topic, None), key, "its timeline is not recorded"))

    def _other(self, said: _Said) -> None:
        self.others[said.parameters] = self.others.get(said.parameters, 0) + 1


def _written(change: StanceChange, said: _Said) -> bytes:
    """A change as it has to be recorded at the place in the chain that a recorded one claims."""
    if said.hash is None:
        return change.model_dump_json(exclude={"sequence", "previous", "hash"}).encode()
    placed = change.model_copy(update={"sequence": said.sequence, "previous": said.previous})
    right = chain.hash_of(placed.model_dump_json().encode())
    return placed.model_copy(update={"hash": right}).model_dump_json().encode()


def _due(right: Recomputed, last: int) -> int:
    """How many of the recomputed changes must be recorded, if the last that is has this place."""
    if last < right.settled:
        return right.settled
    source = right.sources[last - right.settled]
    return right.settled + sum(each <= source for each in right.sources)


def _between(by_place: Sequence[tuple[int, int]], place: int, foreign: Sequence[int]) -> bool:
    """Whether changes with other parameters are recorded where the one of this place should be."""
    at = bisect_left(by_place, (place, -1))
    after = by_place[at - 1][1] if at else -1
    before = by_place[at][1] if at < len(by_place) else None
    return any(number > after and (before is None or number < before) for number in foreign)


def _place(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)
