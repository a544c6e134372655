"""Compare two timelines of an actor on an axis, the one last announced and the one known now. Pure.

What is compared is the sequence of spells, a spell being clear positions of one polarity with nothing but unclear
between them. So evidence that confirms announces nothing, and neither does a position that fades, or comes back
unchanged. Of the spells that differ,

- the first ever is `established`,
- one that follows the newest is a `shift`,
- any other that appeared, vanished, or took over `revision_days` or more that had evidence, is a `revision`.

A position that new evidence makes unclear, but still likelier than `leave`, is not gone: it wavers. Then nothing is
announced, and the caller compares with the same `before` again next time.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

from shared.events import Cause, ChangeKind, Digest, Observation, Polarity, Position, StanceChange, Timeline
from shared.ids import digest
from stance_service.belief import Parameters

NAMED: Final = 10
"""A change names at most so many causes."""


class Comparison(NamedTuple):
    """What is to be announced, in event time, and the timeline to compare with next."""

    changes: list[StanceChange]
    announced: Timeline | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a reader of a change needs to know beside the timelines."""

    triggers: Sequence[Observation]
    """Own observations on the axis that began or ceased to count since `before`."""
    withdrawn: Collection[Digest]
    """Those of them that ceased to."""
    observation: Callable[[Digest], Observation | None]


@dataclass(slots=True)
class _Spell:
    polarity: Polarity
    first: Position
    last: Position
    wavers: bool = False

    @property
    def start(self) -> datetime:
        return self.first.held_from

    @property
    def evidenced_until(self) -> datetime:
        return self.last.evidenced_until or self.last.held_from

    def ends_after(self, at: datetime) -> bool:
        return self.last.held_until is None or self.last.held_until > at


class _Turn(NamedTuple):
    kind: ChangeKind
    before: Position | None
    after: Position | None


@dataclass(slots=True)
class _Difference:
    """How the spells known now relate to those announced."""

    turned: list[_Spell] = field(default_factory=list)
    appeared: list[_Spell] = field(default_factory=list)
    vanished: list[_Spell] = field(default_factory=list)
    moved: list[tuple[_Spell, _Spell]] = field(default_factory=list)
    settled: bool = True


def compare(
    before: Timeline | None, after: Timeline, circumstances: Circumstances, parameters: Parameters
) -> Comparison:
    """The changes that lead from the timeline last announced (None: none yet) to the one known now."""
    old = _spells(before, [], parameters) if before else []
    for believed in (old, []):
        new = _spells(after, believed, parameters)
        difference = _difference(old, new, parameters)
        turns = _turns(before, after, new, difference)
        if not turns:
            settled = difference.settled and not any(spell.wavers for spell in new)
            return Comparison([], after if settled or before is None else before)
        if not any(spell.wavers for spell in new):
            break
    return Comparison([_change(turn, after, circumstances) for turn in turns], after)


def _spells(timeline: Timeline, believed: list[_Spell], parameters: Parameters) -> list[_Spell]:
    found: list[_Spell] = []
    for position in timeline.positions:
        polarity, wavers = position.polarity, False
        if polarity is None:
            polarity = _leaning(position, believed, parameters)
            wavers = True
        if polarity is None:
            continue
        if found and found[-1].polarity == polarity:
            found[-1].last = position
            found[-1].wavers |= wavers
        else:
            found.append(_Spell(polarity, position, position, wavers))
    return found


def _leaning(position: Position, believed: list[_Spell], parameters: Parameters) -> Polarity | None:
    """The polarity that was announced for an unclear time and is still the likelier one."""
    for spell in believed:
        chance = position.probability if spell.polarity == 1 else 1 - position.probability
        if position.count and chance >= parameters.leave and _overlap(spell, position):
            return spell.polarity
    return None


def _overlap(old: _Spell, position: Position) -> bool:
    """Of what a spell has evidence for with a position: how it was to fade afterwards says nothing."""
    ends = position.held_until
    return position.held_from <= old.evidenced_until and (ends is None or old.start < ends)


def _same(old: _Spell, new: _Spell) -> bool:
    meet = new.start <= old.evidenced_until and new.ends_after(old.start)
    return old.polarity == new.polarity and meet


def _difference(old: list[_Spell], new: list[_Spell], parameters: Parameters) -> _Difference:
    found = _Difference(vanished=[each for each in old if not any(_same(each, other) for other in new)])
    unknown = [not any(_same(other, each) for other in old) for each in new]
    head = len(new)
    while head and unknown[head - 1] and (not old or new[head - 1].start > old[-1].start):
        head -= 1
    if old and head == 0 and new:
        head = 1  # nothing of the old is left for it to follow
    found.turned = new[head:]
    found.appeared = [each for each, is_unknown in zip(new[:head], unknown[:head], strict=True) if is_unknown]
    known = [each for each, is_unknown in zip(new, unknown, strict=True) if not is_unknown]
    for one in (each for each in old if each not in found.vanished):
        for other in known:
            overlap = _contradiction(one, other)
            if overlap >= timedelta(days=parameters.revision_days):
                found.moved.append((one, other))
            elif overlap > timedelta():
                found.settled = False
    return found


def _contradiction(old: _Spell, new: _Spell) -> timedelta:
    """How long the evidence of one is in the time of the other, its opposite."""
    if old.polarity == new.polarity:
        return timedelta()
    ends = new.last.held_until
    end = old.evidenced_until if ends is None else min(old.evidenced_until, ends)
    return end - max(old.start, new.start)


def _turns(before: Timeline | None, after: Timeline, new: list[_Spell], difference: _Difference) -> list[_Turn]:
    found: list[_Turn] = []
    for vanished, appeared in zip_longest(difference.vanished, difference.appeared):
        if vanished is None:
            was = _at(before, appeared.start)
            found.append(_Turn(ChangeKind.REVISION, was, appeared.first))
        else:
            now = appeared.first if appeared else _at(after, vanished.start)
            found.append(_Turn(ChangeKind.REVISION, vanished.last, now))
    found.extend(_Turn(ChangeKind.REVISION, old.last, now.first) for old, now in difference.moved)
    turned = difference.turned
    if turned and turned[0] is new[0]:
        found.append(_Turn(ChangeKind.ESTABLISHED, None, new[0].first))
    found.extend(
        _Turn(ChangeKind.SHIFT, earlier.last, later.first)
        for earlier, later in pairwise(new)
        if any(later is each for each in turned)
    )
    return found


def _at(timeline: Timeline | None, at: datetime) -> Position | None:
    for position in timeline.positions if timeline else ():
        if position.held_from <= at and (position.held_until is None or at < position.held_until):
            return position
    return None


def _change(turn: _Turn, timeline: Timeline, circumstances: Circumstances) -> StanceChange:
    before, after = turn.before, turn.after
    shown = after if after is not None and (after.polarity is not None or before is None) else before
    causes = _causes(after, circumstances)
    content = {
        "kind": turn.kind,
        "actor": timeline.actor,
        "axis": timeline.axis,
        "before": None if before is None else before.model_dump(mode="json"),
        "after": None if after is None else after.model_dump(mode="json"),
        "detected_at": timeline.recorded_at.isoformat(),
        "parameters": timeline.parameters,
    }
    return StanceChange(
        id=digest("change", content),
        kind=turn.kind,
        actor=timeline.actor,
        axis=timeline.axis,
        before=before,
        after=after,
        effective_at=shown.held_from if shown else timeline.recorded_at,
        detected_at=timeline.recorded_at,
        probability=after.probability if after else 0.5,
        causes=tuple(causes),
        parameters=timeline.parameters,
    )


def _causes(after: Position | None, circumstances: Circumstances) -> list[Cause]:
    polarity = after.polarity if after else None
    named: dict[Digest, Observation] = {}
    for each in circumstances.triggers:
        if polarity is None or each.polarity == polarity or each.id in circumstances.withdrawn:
            named[each.id] = each
    for id_ in after.observations if after and polarity else ():
        observation = circumstances.observation(id_)
        if observation is not None and observation.polarity == polarity:
            named.setdefault(id_, observation)
    return [_cause(each, withdrawn=each.id in circumstances.withdrawn) for each in list(named.values())[:NAMED]]


def _cause(observation: Observation, *, withdrawn: bool) -> Cause:
    return Cause(
        observation=observation.id,
        evidence=observation.evidence.text,
        withdrawn=withdrawn,
        **observation.model_dump(include=_COPIED),
    )


_COPIED: Final = set(Cause.model_fields) - {"observation", "evidence", "withdrawn"}
