"""Compare two courses of an actor's position on an axis, the one last announced and the one known now. Pure.

What is compared is the sequence of spells, a spell being clear positions of one polarity with nothing but unclear
between them. So evidence that confirms announces nothing, and neither does a position that fades, or comes back
unchanged. Of the spells that differ,

- the first ever is `established`,
- one that follows the newest is a `shift`,
- any other that appeared, vanished, or took over `revision_days` or more that had evidence, is a `revision`.

A position that new evidence makes unclear, but still likelier than `leave`, is not gone: it wavers. Then nothing is
announced, and the caller compares with the same `before` again next time.

A course whose intervals begin on the same days, with the same polarities, as those of the course last announced has
nothing to announce: the caller need not compare them (docs/decisions/0008-tracker-at-speed.md shows why).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from operator import attrgetter
from typing import NamedTuple

from shared.events import ChangeKind, Polarity
from stance_service.belief import Chain
from stance_service.intervals import Interval, completed


class Turn(NamedTuple):
    """One thing to announce."""

    kind: ChangeKind
    before: Interval | None
    after: Interval | None


class Comparison(NamedTuple):
    """What is to be announced, in event time, and the course to compare with next."""

    turns: list[Turn]
    announced: list[Interval]


@dataclass(slots=True)
class _Spell:
    polarity: Polarity
    first: Interval
    last: Interval

    @property
    def start(self) -> int:
        return self.first.start

    @property
    def evidenced_until(self) -> int:
        return self.last.last

    @property
    def wavers(self) -> bool:
        """It begins or ends with what is unclear now. Between two clear positions it makes no difference."""
        return self.first.side == 0 or self.last.side == 0

    def ends_after(self, day: int) -> bool:
        return self.last.end == 0 or self.last.end > day


@dataclass(slots=True)
class _Difference:
    """How the spells known now relate to those announced."""

    turned: list[_Spell] = field(default_factory=list)
    appeared: list[_Spell] = field(default_factory=list)
    vanished: list[_Spell] = field(default_factory=list)
    moved: list[tuple[_Spell, _Spell]] = field(default_factory=list)
    settled: bool = True


def compare(before: list[Interval] | None, after: list[Interval], chain: Chain) -> Comparison:
    """The turns that lead from the course last announced (None: none yet) to the one known now."""
    if before is not None and _begin_alike(before, after, chain):
        return Comparison([], after)
    announced, known = completed(before or [], chain), completed(after, chain)
    old = _spells(announced, [], chain)
    for believed in (old, []):
        new = _spells(known, believed, chain)
        difference = _difference(old, new, chain.parameters.revision_days)
        turns = _turns(announced, known, new, difference)
        wavers = any(spell.wavers for spell in new)
        if not turns:
            settled = before is None or (difference.settled and not wavers)
            return Comparison([], after if settled or before is None else before)
        if not wavers:
            break
    return Comparison(turns, after)


def outline(before: list[Interval], after: list[Interval], chain: Chain) -> tuple[int, ...]:
    """All that a comparison with `before` heeds of a course, as long as its list of intervals is the same one.

    When the newest position will have faded is of no matter beyond all that `before` has evidence for.
    """
    if not before or not after:
        return ()
    last, latest = after[-1], before[-1].last + 1
    ends = chain.fades_on(last.last, last.log_odds, last.side) if last.last < latest else 0
    return (min(ends or latest, latest), *(_side_of(each, chain) for each in after if each.side == 0))


def _side_of(interval: Interval, chain: Chain) -> int:
    return (interval.log_odds >= chain.leave) - (interval.log_odds <= -chain.leave)


def _begin_alike(before: list[Interval], after: list[Interval], chain: Chain) -> bool:
    """Whether nothing turned, nor wavers, however the newest spell ends: each one then meets the one in its place."""
    since = _first_spell_to_differ(before, after)
    old = _spells(before[since:], [], chain)
    new = _spells(after[since:], old, chain)
    return len(old) == len(new) and all(
        one.start == other.start and one.polarity == other.polarity and not other.wavers
        for one, other in zip(old, new, strict=True)
    )


def _first_spell_to_differ(before: list[Interval], after: list[Interval]) -> int:
    """The index up to which both are made of the same intervals, less the spell that may go on from there."""
    index, shorter = 0, min(len(before), len(after))
    while index < shorter and before[index] is after[index]:
        index += 1
    while index and after[index - 1].side == 0:
        index -= 1
    side = after[index - 1].side if index else 0
    while index and after[index - 1].side in (0, side):
        index -= 1
    return index


def _spells(intervals: Sequence[Interval], believed: Sequence[_Spell], chain: Chain) -> list[_Spell]:
    found: list[_Spell] = []
    for interval in intervals:
        polarity = interval.side or _leaning(interval, believed, chain)
        if polarity is None:
            continue
        if found and found[-1].polarity == polarity:
            found[-1].last = interval
        else:
            found.append(_Spell(polarity, interval, interval))
    return found


def _leaning(interval: Interval, believed: Sequence[_Spell], chain: Chain) -> Polarity | None:
    """The polarity that was announced for an unclear time and is still the likelier one.

    Of a spell counts what it has evidence for: how it was to fade afterwards says nothing.
    """
    if interval.count == 0:
        return None
    at = bisect_left(believed, interval.start, key=attrgetter("evidenced_until"))
    while at < len(believed) and (interval.end == 0 or believed[at].start < interval.end):
        if interval.log_odds * believed[at].polarity >= chain.leave:
            return believed[at].polarity
        at += 1
    return None


def _same(old: _Spell, new: _Spell) -> bool:
    meet = new.start <= old.evidenced_until and new.ends_after(old.start)
    return old.polarity == new.polarity and meet


def _difference(old: list[_Spell], new: list[_Spell], revision_days: int) -> _Difference:
    head, tail = _alike(old, new)
    old_part, new_part = old[head : len(old) - tail], new[head : len(new) - tail]
    found = _Difference(vanished=[each for each in old_part if not any(_same(each, other) for other in new_part)])
    unknown = [not any(_same(other, each) for other in old_part) for each in new_part]
    newest = len(new_part)
    while tail == 0 and newest and unknown[newest - 1] and (not old or new_part[newest - 1].start > old[-1].start):
        newest -= 1
    if old and newest == head == tail == 0 and new:
        newest = 1  # nothing of the old is left for it to follow
    found.turned = new_part[newest:]
    found.appeared = [each for each, is_unknown in zip(new_part[:newest], unknown[:newest], strict=True) if is_unknown]
    known = [each for each, is_unknown in zip(new_part, unknown, strict=True) if not is_unknown]
    for one in (each for each in old_part if each not in found.vanished):
        for other in known:
            overlap = _contradiction(one, other)
            if overlap >= revision_days:
                found.moved.append((one, other))
            elif overlap > 0:
                found.settled = False
    return found


def _alike(old: Sequence[_Spell], new: Sequence[_Spell]) -> tuple[int, int]:
    """How many spells at the beginning, and how many at the end, are the same, and so match none but each other."""
    head = tail = 0
    shorter = min(len(old), len(new))
    while head < shorter and _extent(old[head]) == _extent(new[head]):
        head += 1
    while tail < shorter - head and _extent(old[-1 - tail]) == _extent(new[-1 - tail]):
        tail += 1
    return head, tail


def _extent(spell: _Spell) -> tuple[Polarity, int, int, int]:
    return spell.polarity, spell.first.start, spell.last.last, spell.last.end


def _contradiction(old: _Spell, new: _Spell) -> int:
    """For how many days the evidence of one is in the time of the other, its opposite."""
    if old.polarity == new.polarity:
        return 0
    end = min(old.evidenced_until, new.last.end) if new.last.end else old.evidenced_until
    return end - max(old.start, new.start)


def _turns(
    before: Sequence[Interval], after: Sequence[Interval], new: Sequence[_Spell], difference: _Difference
) -> list[Turn]:
    found: list[Turn] = []
    for vanished, appeared in zip_longest(difference.vanished, difference.appeared):
        if vanished is None:
            found.append(Turn(ChangeKind.REVISION, _at(before, appeared.start), appeared.first))
        else:
            now = appeared.first if appeared else _at(after, vanished.start)
            found.append(Turn(ChangeKind.REVISION, vanished.last, now))
    found.extend(Turn(ChangeKind.REVISION, old.last, now.first) for old, now in difference.moved)
    turned = difference.turned
    if turned and turned[0] is new[0]:
        found.append(Turn(ChangeKind.ESTABLISHED, None, new[0].first))
    if turned:
        follows = max(0, len(new) - len(turned) - 1)
        found.extend(Turn(ChangeKind.SHIFT, earlier.last, later.first) for earlier, later in pairwise(new[follows:]))
    return found


def _at(intervals: Sequence[Interval], day: int) -> Interval | None:
    for interval in intervals:
        if interval.start <= day and (interval.end == 0 or day < interval.end):
            return interval
    return None
