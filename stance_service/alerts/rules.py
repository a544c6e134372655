"""Which stance changes matter to whom, and when they may be told. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.events import Axis, Basis, ChangeKind, Digest, Probability, Slug, StanceChange

Towards = Literal["+1", "-1", "unclear"]
Tags = Mapping[Slug, Set[str]]
"""The tags of each registered actor."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
LONGEST_DIGEST_MINUTES: Final = 7 * 24 * 60
LONGEST_DEDUPLICATION_MINUTES: Final = 366 * 24 * 60
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Part(BaseModel):
    """A part of a file of rules; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False, arbitrary_types_allowed=True)


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"no time zone {value!r}: {error}") from error
    except KeyError as error:
        raise ValueError(f"no time zone {value!r}; allowed are those of the IANA, such as Europe/Berlin") from error


class QuietHours(Part):
    """When nothing is sent, by a local clock; with `until` before `start`, over midnight."""

    start: Annotated[time, Field(alias="from")]
    until: time
    zone: Annotated[ZoneInfo, BeforeValidator(_zone)]

    @model_validator(mode="after")
    def _some_hours_are_loud(self) -> Self:
        if self.start.tzinfo or self.until.tzinfo:
            raise ValueError("from and until are times of the zone, without an offset of their own")
        if self.start == self.until:
            raise ValueError(f"from and until are both {self.until:%H:%M}; one has to be another time")
        return self

    def hold(self, at: datetime) -> bool:
        """Whether an instant is quiet."""
        clock = at.astimezone(self.zone).time()
        if self.start < self.until:
            return self.start <= clock < self.until
        return clock >= self.start or clock < self.until

    def over(self, at: datetime) -> datetime:
        """The first instant from `at` on that isn't quiet."""
        while self.hold(at):
            local = at.astimezone(self.zone)
            day = local.date() + timedelta(days=local.time() >= self.until)
            # Clocks show some times twice and some never: the later reading is after `at` in both cases.
            at = max(datetime.combine(day, self.until.replace(fold=fold), self.zone).astimezone(UTC) for fold in (0, 1))
        return at


class Told(NamedTuple):
    """What a rule tells of an actor on an axis by sending a change."""

    change_id: Digest
    actor: Slug
    axis: Axis
    towards: Towards
    at: datetime
    """When it was detected."""

    @classmethod
    def by(cls, change: StanceChange) -> Self:
        """The change."""
        return cls(change.id, change.actor, change.axis, _towards(change), change.detected_at)


class Rule(Part):
    """Wants a change for which all that is given holds; of several values any will do."""

    name: Name
    channels: Annotated[frozenset[Name], Field(min_length=1)]
    actors: frozenset[Slug] = frozenset()
    tags: frozenset[str] = frozenset()
    axes: frozenset[Axis] = frozenset()
    kinds: frozenset[ChangeKind] = frozenset()
    polarities: frozenset[Towards] = frozenset()
    minimum_probability: Probability = 0.0
    basis: frozenset[Basis] = frozenset()
    quiet: QuietHours | None = None
    digest_minutes: Annotated[int, Field(ge=1, le=LONGEST_DIGEST_MINUTES)] | None = None
    deduplicate_minutes: Annotated[int, Field(ge=1, le=LONGEST_DEDUPLICATION_MINUTES)] | None = None

    def wants(self, change: StanceChange, tags: Tags) -> bool:
        """Whether the change matters."""
        return (
            self._names(change.actor, tags)
            and (not self.axes or change.axis in self.axes)
            and (not self.kinds or change.kind in self.kinds)
            and (not self.polarities or _towards(change) in self.polarities)
            and change.probability >= self.minimum_probability
            and (not self.basis or any(cause.basis in self.basis for cause in change.causes))
        )

    def repeats(self, change: StanceChange, last: Told | None) -> bool:
        """Whether the change tells too soon what was told last of the actor on the axis.

        The same change again is none, nor is one from before: it was parked, and is driven again.
        """
        if self.deduplicate_minutes is None or last is None or last.change_id == change.id:
            return False
        passed = change.detected_at - last.at
        soon = timedelta(0) <= passed < timedelta(minutes=self.deduplicate_minutes)
        return soon and last.towards == _towards(change)

    def selected(self, changes: Iterable[StanceChange], tags: Tags) -> Iterator[StanceChange]:
        """Those that it would send of changes that come in this order."""
        told: dict[tuple[Slug, Axis], Told] = {}
        for change in changes:
            subject = change.actor, change.axis
            if self.wants(change, tags) and not self.repeats(change, told.get(subject)):
                told[subject] = Told.by(change)
                yield change

    def due(self, at: datetime) -> datetime:
        """When a change that comes at an instant may be sent; one due time, one digest."""
        if self.digest_minutes is not None:
            window = timedelta(minutes=self.digest_minutes)
            at = _EPOCH + ((at - _EPOCH) // window + 1) * window
        return at if self.quiet is None else self.quiet.over(at)

    def _names(self, actor: Slug, tags: Tags) -> bool:
        if not self.actors and not self.tags:
            return True
        return actor in self.actors or not self.tags.isdisjoint(tags.get(actor, frozenset()))


def _towards(change: StanceChange) -> Towards:
    if change.after is None or change.after.polarity is None:
        return "unclear"
    return "+1" if change.after.polarity == 1 else "-1"
