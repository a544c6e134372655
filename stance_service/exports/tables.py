"""What is exported, in rows and documented columns. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from shared.events import Observation, Position, StanceChange, Timeline, Withdrawal
from stance_service.belief import Parameters
from stance_service.evidence import held_days
from stance_service.ledger import ActorLedger

Kind = Literal["text", "integer", "number", "truth", "instant", "date"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """Of an export; any of them may be empty."""

    name: str
    kind: Kind
    meaning: str


def _columns(*described: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*each) for each in described)


OBSERVATIONS: Final = _columns(
    ("id", "text", "of the observation"),
    ("actor", "text", "whose position it shows, as a slug"),
    ("axis", "text", "`openness`, `profit` or one of your own"),
    ("polarity", "integer", "1 for, -1 against"),
    ("basis", "text", "`stated`, `acted` or `alleged`; what is alleged moves no position"),
    ("alleged_by", "text", "who alleges it"),
    ("confidence", "number", "calibrated probability that a careful reader agrees"),
    ("held_at", "text", "when the position was held, as the article says (EDTF); empty: when it was published"),
    ("date", "date", "the middle of that time: the day on which the observation counts"),
    ("published_at", "instant", "when the article was published"),
    ("observed_at", "instant", "when the article was read"),
    ("counts", "truth", "false: a later revision, retraction or classifier has put it aside"),
    ("independent", "truth", "true: it counts as evidence of its own, not as a repetition of another one"),
    ("evidence", "text", "the sentence that shows it"),
    ("evidence_start", "integer", "where that begins in the article's text"),
    ("evidence_end", "integer", "where it ends"),
    ("article_id", "text", "of the article"),
    ("revision", "integer", "of the article"),
    ("title", "text", "of the article"),
    ("url", "text", "of the article"),
    ("duplicate_of", "text", "the article that this one copies"),
    ("classifier", "text", "which model read it"),
)
POSITIONS: Final = _columns(
    ("actor", "text", "whose position it is, as a slug"),
    ("axis", "text", "`openness`, `profit` or one of your own"),
    ("polarity", "integer", "1 for, -1 against; empty: unclear"),
    ("held_from", "instant", "its first day"),
    ("held_until", "instant", "the first day after; empty: without end"),
    ("evidenced_until", "instant", "the day of its last evidence"),
    ("probability", "number", "of the polarity; of 1 if it is unclear"),
    ("count", "integer", "of independent observations in that time"),
    ("observations", "text", "ids of the weightiest of them, separated by spaces"),
    ("recorded_at", "instant", "when this was last reconsidered"),
    ("parameters", "text", "of the model, as a version"),
)
CHANGES: Final = _columns(
    ("id", "text", "of the change"),
    ("kind", "text", "`established`, `shift` or `revision`"),
    ("actor", "text", "whose position it is, as a slug"),
    ("axis", "text", "`openness`, `profit` or one of your own"),
    ("before", "integer", "the polarity before; empty: unclear, or nothing was known"),
    ("after", "integer", "the polarity after; empty: unclear, or nothing is known any more"),
    ("effective_at", "instant", "the day from which it holds"),
    ("detected_at", "instant", "when it was noticed"),
    ("probability", "number", "of what holds after"),
    ("causes", "text", "ids of the observations that brought it about, separated by spaces"),
    ("evidence", "text", "of the first of them"),
    ("url", "text", "of the first of them"),
    ("parameters", "text", "of the model, as a version"),
)
EDGES: Final = _columns(
    ("source", "text", "the actor, as a slug"),
    ("target", "text", "the concept: the axis"),
    ("type", "text", "always `undirected`"),
    ("weight", "number", "the confidence of the observation"),
    ("agreement", "integer", "1 the actor agrees with the concept, 0 it does not"),
    ("date", "date", "the day on which the observation counts"),
    ("basis", "text", "`stated` or `acted`"),
    ("title", "text", "of the article"),
    ("url", "text", "of the article"),
    ("evidence", "text", "the sentence that shows it"),
    ("article_id", "text", "of the article"),
    ("observation", "text", "id of the observation"),
)
TABLES: Final[Mapping[str, tuple[Column, ...]]] = {
    "observations": OBSERVATIONS,
    "positions": POSITIONS,
    "changes": CHANGES,
    "edges": EDGES,
}


@dataclass(frozen=True)
class Wanted:
    """Which rows. `as_of`: only what holds then, and what was shown until then."""

    axis: str | None = None
    as_of: datetime | None = None


def observations(
    records: Mapping[str, Sequence[Observation | Withdrawal]], parameters: Parameters, wanted: Wanted
) -> Iterator[Row]:
    """By actor, in the order in which they were read."""
    for actor, own in sorted(records.items()):
        ledger = ActorLedger(actor, parameters)
        for record in own:
            ledger.add(record)
        counting = {each.id for each in ledger.counting()}
        for each in own:
            if isinstance(each, Observation) and _is_wanted(each, wanted):
                counts = each.id in counting
                yield _observation(each, counts=counts, independent=counts and ledger.is_evidence(each))


def positions(timelines: Iterable[Timeline], wanted: Wanted) -> Iterator[Row]:
    """By actor and axis, in the order of time."""
    for timeline in timelines:
        for each in timeline.positions:
            if wanted.as_of is None or _holds(each, wanted.as_of):
                yield {
                    **each.model_dump(),
                    "actor": timeline.actor,
                    "axis": timeline.axis,
                    "observations": " ".join(each.observations),
                    "recorded_at": timeline.recorded_at,
                    "parameters": timeline.parameters,
                }


def changes(announced: Iterable[StanceChange], wanted: Wanted) -> Iterator[Row]:
    """In the order in which they were announced."""
    for each in announced:
        if wanted.as_of is None or each.effective_at <= wanted.as_of:
            first = each.causes[0] if each.causes else None
            yield {
                "id": each.id,
                "kind": each.kind.value,
                "actor": each.actor,
                "axis": each.axis,
                "before": each.before and each.before.polarity,
                "after": each.after and each.after.polarity,
                "effective_at": each.effective_at,
                "detected_at": each.detected_at,
                "probability": each.probability,
                "causes": " ".join(cause.observation for cause in each.causes),
                "evidence": first and first.evidence,
                "url": first and first.url,
                "parameters": each.parameters,
            }


def edges(rows: Iterable[Row]) -> Iterator[Row]:
    """Of observations that count as evidence of their own: what is alleged is nobody's agreement."""
    for row in rows:
        if row["independent"]:
            yield {
                "source": row["actor"],
                "target": row["axis"],
                "type": "undirected",
                "weight": row["confidence"],
                "agreement": int(row["polarity"] == 1),
                "observation": row["id"],
                **{name: row[name] for name in ("date", "basis", "title", "url", "evidence", "article_id")},
            }


def _holds(position: Position, at: datetime) -> bool:
    return position.held_from <= at and (position.held_until is None or at < position.held_until)


def _is_wanted(observation: Observation, wanted: Wanted) -> bool:
    if wanted.axis not in {None, observation.axis}:
        return False
    return wanted.as_of is None or _day(observation) <= wanted.as_of.date()


def _day(observation: Observation) -> date:
    start, end = held_days(observation)
    return date.fromordinal((start + end - 1) // 2)


def _observation(each: Observation, *, counts: bool, independent: bool) -> Row:
    row = each.model_dump(exclude={"type", "more", "evidence"})
    evidence = {
        "evidence": each.evidence.text,
        "evidence_start": each.evidence.start,
        "evidence_end": each.evidence.end,
    }
    told = {"basis": each.basis.value, "date": _day(each), "counts": counts, "independent": independent}
    return {**row, **evidence, **told}
