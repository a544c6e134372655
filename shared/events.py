"""The events on the topics, as frozen pydantic models that double as domain values.

Compatibility: add optional fields only; readers ignore unknown ones. Anything else is a new topic version.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.edtf import require_edtf


def in_utc(at: datetime) -> datetime:
    """The same instant; ValueError if it is before the year 1 or after 9999 there."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{at.isoformat()} is out of range in UTC") from error


Polarity: TypeAlias = Literal[1, -1]
Axis: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Slug: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(in_utc)]
PartialDate: TypeAlias = Annotated[str, AfterValidator(require_edtf)]
"""An EDTF (ISO 8601-2) date or interval, of any precision: `2016`, `2016-03`, `2016~`, `2015/2018`."""
Probability: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]


class Event(BaseModel):
    """A fact on a topic: immutable, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Basis(StrEnum):
    """How an article knows a position."""

    STATED = "stated"
    ACTED = "acted"
    ALLEGED = "alleged"


class ChangeKind(StrEnum):
    """Why a stance change is announced."""

    ESTABLISHED = "established"
    SHIFT = "shift"
    REVISION = "revision"


class Article(Event):
    """One revision of a normalised news text. Offsets elsewhere count code points of `body`."""

    type: Literal["article"] = "article"
    article_id: Digest
    revision: Annotated[int, Field(ge=1)]
    source: str
    url: str | None = None
    title: str
    body: str
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    author: str | None = None
    publisher: str | None = None
    published_at: UtcDatetime
    published_origin: Literal["manifest", "meta", "text", "feed", "submitted", "fetched"]
    observed_at: UtcDatetime
    raw_digest: Digest
    normaliser: str
    duplicate_of: Digest | None = None


class Retraction(Event):
    """The publisher withdrew an article: all its revisions count no longer."""

    type: Literal["retraction"] = "retraction"
    article_id: Digest
    revision: Annotated[int, Field(ge=1)]
    reason: str
    observed_at: UtcDatetime


class Evidence(Event):
    """A verbatim span of the article's body, `body[start:end] == text`."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    text: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _span_fits_text(self) -> Self:
        if self.end - self.start != len(self.text):
            raise ValueError(f"span {self.start}..{self.end} does not fit a text of {len(self.text)} characters")
        return self


class Observation(Event):
    """What one article shows of one actor on one axis.

    Never edited: a better classifier adds a new observation.
    """

    type: Literal["observation"] = "observation"
    id: Digest
    actor: Slug
    axis: Axis
    polarity: Polarity
    basis: Basis
    alleged_by: Slug | None = None
    confidence: Probability
    evidence: Evidence
    held_at: PartialDate | None = None  # None: the article gives none, published_at counts
    published_at: UtcDatetime
    observed_at: UtcDatetime
    article_id: Digest
    revision: Annotated[int, Field(ge=1)]
    title: str = ""
    url: str | None = None
    duplicate_of: Digest | None = None
    classifier: str
    more: bool = False  # another record about this actor from the same article follows at once

    @model_validator(mode="after")
    def _allegation_names_its_source(self) -> Self:
        if (self.basis is Basis.ALLEGED) != (self.alleged_by is not None):
            raise ValueError("alleged_by is given with basis 'alleged', and only then")
        return self


class Withdrawal(Event):
    """What an article's revisions before `revision` showed of an actor counts no longer.

    A retraction withdraws every revision.
    """

    type: Literal["withdrawal"] = "withdrawal"
    actor: Slug
    article_id: Digest
    revision: Annotated[int, Field(ge=1)]
    observed_at: UtcDatetime
    more: bool = False  # another record about this actor from the same article follows at once


class ObservedArticle(Event):
    """The actors that an article's latest observed revision speaks of; a later revision has to reach them."""

    type: Literal["observed_article"] = "observed_article"
    article_id: Digest
    revision: Annotated[int, Field(ge=1)]
    actors: tuple[Slug, ...]


class Position(Event):
    """The polarity an actor held on an axis over `[held_from, held_until)`, in event time to the day.

    `polarity` None: unclear. `held_until` None: without end; it lies in the future when nothing but the fading of
    the evidence will end the position.
    """

    polarity: Polarity | None
    held_from: UtcDatetime
    held_until: UtcDatetime | None
    evidenced_until: UtcDatetime | None  # the day of the interval's last counted observation; None: it has none
    probability: Probability  # of `polarity` (of +1 when unclear) at the interval's last observation
    count: Annotated[int, Field(ge=0)]  # counted observations inside the interval
    observations: tuple[Digest, ...]  # the weightiest of them, in event time


class Timeline(Event):
    """All positions of an actor on an axis as known at `recorded_at`; replaces the one before."""

    type: Literal["timeline"] = "timeline"
    actor: Slug
    axis: Axis
    positions: tuple[Position, ...]
    recorded_at: UtcDatetime  # of the last record that touched this axis, see stance_service.ledger
    parameters: str


class Cause(Event):
    """An observation that brought a change about, with what a reader needs to judge it."""

    observation: Digest
    polarity: Polarity
    basis: Basis
    confidence: Probability
    evidence: str
    held_at: PartialDate | None
    published_at: UtcDatetime
    article_id: Digest
    revision: int
    title: str = ""
    url: str | None = None
    classifier: str
    withdrawn: bool = False  # it counts no longer, and that is what brought the change about


class StanceChange(Event):
    """An actor's position on an axis is established, has shifted, or its past was revised."""

    type: Literal["change"] = "change"
    id: Digest
    kind: ChangeKind
    actor: Slug
    axis: Axis
    before: Position | None
    after: Position | None
    effective_at: UtcDatetime  # event time from which `after` holds
    detected_at: UtcDatetime  # recorded time of the record that brought it about
    probability: Probability
    causes: tuple[Cause, ...]
    parameters: str
    sequence: Annotated[int, Field(ge=1)] | None = None  # place among the changes of the actor, of all axes
    previous: Digest | None = None  # the hash of the actor's change before; None: there is none
    hash: Digest | None = None  # of all other fields, see `shared.chain`; None: from before changes were chained


class SealedPartition(Event):
    """How far one partition of the stance changes went when it was sealed."""

    partition: Annotated[int, Field(ge=0)]
    changes: Annotated[int, Field(ge=0)]  # how many there were
    end_offset: Annotated[int, Field(ge=0)]  # that of the last of them, plus one
    heads: Digest  # of the hash of each actor's last change, see `shared.chain`


class SealedSource(Event):
    """How far one partition of what changes follow from went when it was sealed."""

    topic: str  # as `shared.topics` names it
    partition: Annotated[int, Field(ge=0)]
    records: Annotated[int, Field(ge=0)]  # how many there were
    digest: Digest  # of their keys and values, see docs/audit.md


class Checkpoint(Event):
    """A signed statement of all stance changes that there were, and of what they follow from."""

    type: Literal["checkpoint"] = "checkpoint"
    sequence: Annotated[int, Field(ge=1)]
    previous: Digest | None  # the hash of the checkpoint before, signature included; None: there is none
    topic: str  # that of the changes
    partitions: tuple[SealedPartition, ...]
    sources: tuple[SealedSource, ...] = ()  # of articles and observations; none: from before they were sealed
    signed_at: UtcDatetime
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]  # the id of the public key
    signature: str  # Ed25519, of the canonical form of all other fields, in base64


ArticleEvent: TypeAlias = Annotated[Article | Retraction, Field(discriminator="type")]
ObservationEvent: TypeAlias = Annotated[Observation | Withdrawal, Field(discriminator="type")]

ARTICLE_EVENT: TypeAdapter[Article | Retraction] = TypeAdapter(ArticleEvent)
OBSERVATION_EVENT: TypeAdapter[Observation | Withdrawal] = TypeAdapter(ObservationEvent)


def midnight(year: int, month: int = 1, day: int = 1) -> datetime:
    """The first instant of a day, UTC."""
    return datetime(year, month, day, tzinfo=UTC)
