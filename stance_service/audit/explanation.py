"""Why a stance change was announced: everything that led to it, in one value. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.events import (
    Article,
    Axis,
    Cause,
    ChangeKind,
    Checkpoint,
    Digest,
    Observation,
    Polarity,
    Position,
    StanceChange,
)
from stance_service.audit.findings import Place
from stance_service.belief import Parameters
from stance_service.passages import split_sentences
from stance_service.records import Entry, ObservationRecord
from stance_service.tracker import Tracker


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Quote(_Part):
    """Evidence with the rest of its sentence, and the sentences before and after."""

    before: str
    evidence: str
    after: str


class Source(_Part):
    """The revision of an article that shows it."""

    place: Place
    article_id: Digest
    revision: int
    title: str
    url: str | None
    publisher: str | None
    author: str | None
    published_at: datetime
    published_origin: str
    observed_at: datetime
    raw_digest: Digest
    normaliser: str
    language: str
    quote: Quote | None
    """None: the evidence isn't there any more as it was quoted."""


class Told(_Part):
    """A change in short."""

    kind: ChangeKind
    polarity: Polarity | None
    effective_at: datetime


class Without(_Part):
    """What would have been announced, up to the same record, if an observation had never been made."""

    announced: bool
    """Whether the same would have been announced."""
    instead: tuple[Told, ...]
    """What else would have been announced on the axis."""
    position: Position | None
    """That of the day from which the change holds; None: nothing would be known."""


class Reason(_Part):
    """An observation that brought the change about."""

    cause: Cause
    observation: Observation | None
    place: Place | None
    """None, both: it is no longer on the topic."""
    source: Source | None
    """None: the article is no longer on the topic."""
    without: Without | None
    """None: it can't be told, see the notes."""


class ChainPlace(_Part):
    """Where the change stands in the chain of its actor."""

    sequence: int | None
    previous: Digest | None
    hash: Digest | None
    checkpoint: Checkpoint | None
    """The first genuine one that seals it."""
    wrong: tuple[str, ...]
    """What is wrong with the changes of its partition; empty: their chains are unbroken."""


class Explanation(_Part):
    """Everything of one change."""

    change: StanceChange
    place: Place
    chain: ChainPlace
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]


def trigger_of(entries: Sequence[Entry], change: StanceChange, parameters: Parameters) -> int | None:
    """The number of the record that a change came of, among those of its actor; None if none gives this change."""
    tracker = Tracker(parameters)
    for number, entry in enumerate(entries):
        if any(each.id == change.id for each in tracker.apply([entry]).changes):
            return number
    return None


def without(observation: Digest, entries: Sequence[Entry], change: StanceChange, parameters: Parameters) -> Without:
    """`entries`: those of the actor up to the one that the change came of."""
    announced = _told(entries, change.axis, parameters)[0]
    rest = [each for each in entries if not (isinstance(each, ObservationRecord) and each.id == observation)]
    remaining, tracker = _told(rest, change.axis, parameters)
    this = _short(change)
    return Without(
        announced=this in remaining,
        instead=tuple(each for each in remaining if each not in announced),
        position=_held(tracker, change),
    )


def _told(entries: Iterable[Entry], axis: Axis, parameters: Parameters) -> tuple[list[Told], Tracker]:
    tracker = Tracker(parameters)
    return [_short(each) for each in tracker.apply(entries).changes if each.axis == axis], tracker


def _short(change: StanceChange) -> Told:
    polarity = change.after.polarity if change.after else None
    return Told(kind=change.kind, polarity=polarity, effective_at=change.effective_at)


def _held(tracker: Tracker, change: StanceChange) -> Position | None:
    try:
        positions = tracker.timeline(change.actor, change.axis).positions
    except KeyError:
        return None
    at = change.effective_at
    holding = (each for each in positions if each.held_from <= at and (each.held_until is None or at < each.held_until))
    return next(holding, None)


def source(article: Article, place: Place, observation: Observation) -> Source:
    """The article, with the evidence in its context."""
    fields = Source.model_fields.keys() - {"place", "quote"}
    return Source(place=place, quote=_quote(article, observation), **{name: getattr(article, name) for name in fields})


def _quote(article: Article, observation: Observation) -> Quote | None:
    start, end, text = observation.evidence.start, observation.evidence.end, observation.evidence.text
    if article.body[start:end] != text:
        return None
    sentences = split_sentences(article.body, article.language)
    first = max((each.start for each in sentences if each.end <= start), default=start)
    last = min((each.end for each in sentences if each.start >= end), default=end)
    return Quote(before=article.body[first:start], evidence=text, after=article.body[end:last])
