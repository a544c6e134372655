"""Timelines and changes to read on a terminal. Pure: makes rich renderables, prints nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from shared.events import (
    Axis,
    Basis,
    Cause,
    ChangeKind,
    Observation,
    Polarity,
    Position,
    StanceChange,
    Timeline,
    Withdrawal,
)
from stance_service.evidence import held_days
from stance_service.ledger import ActorLedger
from stance_service.records import Shown

_WORDS: Final[Mapping[tuple[Axis, Polarity], str]] = {
    ("openness", 1): "for openness",
    ("openness", -1): "against openness",
    ("profit", 1): "for profit",
    ("profit", -1): "against profit",
}
_STYLES: Final[Mapping[Polarity | None, str]] = {1: "green", -1: "red", None: "yellow"}
_LONGEST: Final = 300


def words(axis: Axis, polarity: Polarity | None) -> str:
    """A polarity in words."""
    if polarity is None:
        return "unclear"
    return _WORDS.get((axis, polarity), f"{'for' if polarity == 1 else 'against'} {axis}")


def timelines(
    known: Iterable[Timeline], ledgers: Mapping[str, ActorLedger], today: datetime, only: Axis | None = None
) -> RenderableType:
    """Each actor's axes: the positions until today with their evidence, and what others allege."""
    actors: dict[str, Tree] = {}
    own = {(each.actor, each.axis): each.positions for each in known}
    for actor, axis in sorted({*own, *_alleged_axes(ledgers)}):
        if only not in {None, axis}:
            continue
        tree = actors.setdefault(actor, Tree(Text(actor, "bold")))
        _axis(tree.add(Text(axis, "bold cyan")), axis, own.get((actor, axis), ()), ledgers.get(actor), today)
    return Group(*actors.values()) if actors else Text("Nothing is known.", "yellow")


def answered(
    actor: str | None,
    valid: datetime | None,
    known: datetime | None,
    records: Mapping[str, Sequence[Observation | Withdrawal]],
    span: tuple[datetime, datetime] | None,
) -> RenderableType:
    """What was asked and what the answer rests on. `span`: when the first and last record of the actor were read."""
    whom = actor or "anybody"
    if span is None:
        return Text(f"Nothing is known of {whom}.", "yellow")
    if not records and known is not None:
        line = Text(f"Nothing was known of {whom} at {_instant(known)}: ", "yellow")
        return line.append(f"the first record was read at {_instant(span[0])}.")
    read = [record for own in records.values() for record in own]
    articles, last = len({record.article_id for record in read}), max(record.observed_at for record in read)
    asked = f"As of {_instant(valid)}, " if valid else ""
    when = f"{'a' if asked else 'A'}s known {f'at {_instant(known)}' if known else 'now'}"
    rests = f"{len(read)} records of {articles} articles read until then, the last at {_instant(last)}"
    return Text(f"{asked}{when}: {rests}.", "dim")


def changes(announced: Sequence[StanceChange]) -> RenderableType:
    """What was announced, one after the other, with what brought it about."""
    found: list[RenderableType] = []
    for number, change in enumerate(announced, 1):
        tree = Tree(_headline(number, change))
        for cause in change.causes:
            tree.add(_cause(cause))
        found.append(tree)
    return Group(*found) if found else Text("Nothing was announced.", "yellow")


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _alleged_axes(ledgers: Mapping[str, ActorLedger]) -> set[tuple[str, Axis]]:
    return {
        (actor, each.axis)
        for actor, ledger in ledgers.items()
        for each in ledger.counting()
        if each.basis is Basis.ALLEGED
    }


def _axis(tree: Tree, axis: Axis, positions: Sequence[Position], ledger: ActorLedger | None, today: datetime) -> None:
    mine = [each for each in ledger.counting() if each.axis == axis] if ledger else []
    own = sorted((each for each in mine if each.basis is not Basis.ALLEGED), key=held_days)
    for position in positions:
        if position.held_from > today:
            continue
        inside = [each for each in own if _holds(position, _middle(each))]
        branch = tree.add(_span(axis, position, inside, today))
        for each in inside:
            branch.add(_evidence(each, counted=ledger is not None and ledger.is_evidence(each)))
    for each in sorted((each for each in mine if each.basis is Basis.ALLEGED), key=held_days):
        tree.add(_allegation(each))


def _middle(observation: Shown) -> int:
    start, end = held_days(observation)
    return (start + end - 1) // 2


def _holds(position: Position, day: int) -> bool:
    until = position.held_until
    return position.held_from.toordinal() <= day and (until is None or day < until.toordinal())


def _span(axis: Axis, position: Position, inside: Sequence[Shown], today: datetime) -> Text:
    until = position.held_until
    end = "today" if until is None or until > today else until.date().isoformat()
    line = Text(f"{_began(position, inside)} – {end}  ")
    line.append(words(axis, position.polarity), f"bold {_STYLES[position.polarity]}")
    if position.polarity is None:
        line.append(f"  ({position.probability:.0%} {words(axis, 1)})" if inside else "  (nothing heard since)", "dim")
    else:
        line.append(f"  {position.probability:.0%}")
        if end == "today" and until is not None:
            line.append(f"  unless heard of, unclear from {until.date()}", "dim")
    return line


def _began(position: Position, inside: Sequence[Shown]) -> str:
    """As precise as the evidence that it begins with, not as the day on which that is counted."""
    for each in inside:
        if _middle(each) == position.held_from.toordinal() and each.held_at is not None:
            return each.held_at
    return position.held_from.date().isoformat()


def _evidence(observation: Shown, *, counted: bool) -> Text:
    line = Text()
    line.append(f"{_when(observation)}  {observation.basis.value} ", "bold")
    line.append(f"{observation.confidence:.2f}", _STYLES[observation.polarity])
    line.append("" if counted else "  told before, not counted again", "yellow")
    return _quoted(line, observation.evidence.text, observation.title, observation.published_at)


def _allegation(observation: Shown) -> Text:
    line = Text(style="dim")
    line.append(f"alleged by {observation.alleged_by}: ", "bold")
    line.append(words(observation.axis, observation.polarity), _STYLES[observation.polarity])
    line.append(f", {_when(observation)}, {observation.confidence:.2f}; moves nothing")
    return _quoted(line, observation.evidence.text, observation.title, observation.published_at)


def _when(observation: Shown | Cause) -> str:
    return observation.held_at or observation.published_at.date().isoformat()


def _quoted(line: Text, evidence: str, title: str, published_at: datetime) -> Text:
    text = " ".join(evidence.split())
    line.append(f"\n{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}", "italic")
    return line.append(f"\n— {title or 'untitled'}, {published_at.date()}", "dim")


def _headline(number: int, change: StanceChange) -> Text:
    line = Text(f"{number}. ")
    line.append(change.kind.value, "bold magenta")
    line.append(f"  {change.actor}, ").append(change.axis, "cyan").append(": ")
    before = change.before.polarity if change.before else None
    if change.kind is not ChangeKind.ESTABLISHED:
        line.append(words(change.axis, before) if change.before else "nothing known", _STYLES[before]).append(" → ")
    after = change.after.polarity if change.after else None
    line.append(words(change.axis, after) if change.after else "nothing known", f"bold {_STYLES[after]}")
    line.append(f"  from {change.effective_at.date()}, {change.probability:.0%}")
    return line


def _cause(cause: Cause) -> Text:
    line = Text()
    line.append(f"{_when(cause)}  {cause.basis.value} ", "bold")
    line.append(f"{cause.confidence:.2f}", _STYLES[cause.polarity])
    line.append("  withdrawn" if cause.withdrawn else "", "yellow")
    return _quoted(line, cause.evidence, cause.title, cause.published_at)
