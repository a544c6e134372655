"""A replay from its plan to its report."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from shared import topics
from shared.events import Digest, Slug, Timeline
from shared.settings import BrokerSettings
from stance_service import build
from stance_service.replay import comparing
from stance_service.replay.comparing import Difference
from stance_service.replay.filling import fill, track
from stance_service.replay.plan import Plan
from stance_service.replay.processes import Tick, spread
from stance_service.replay.ranges import RangeError
from stance_service.replay.readings import Reading, Revision
from stance_service.replay.recorded import recorded
from stance_service.replay.refolding import Partition, Readings, Refolded, refold
from stance_service.replay.rereading import Reader, Selection, complete
from stance_service.replay.shadow import Shadow
from stance_service.scanning import Spans, ends, scan
from stance_service.settings import ClassifierSettings


class Stages(Protocol):
    """Shows how far a stage has come."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Tick]:
        """Until the end of the block; gives what is to be told of records gone through."""
        ...


@dataclass
class Outcome:
    """What a replay found out. Empty differences: not asked for, or there are none."""

    articles: int = 0
    unread: list[Reading] = field(default_factory=list)
    records: int = 0
    actors: int = 0
    positions: int = 0
    changes: int = 0
    differences: list[Difference] = field(default_factory=list)
    went_on: int = 0
    """Timelines that know more than the replay, and were not compared."""


@dataclass(frozen=True)
class Replay:
    """Of production, as planned."""

    production: BrokerSettings
    plan: Plan
    selection: Selection
    workers: int
    stages: Stages
    shadow: Shadow | None = None

    def run(self, *, compare: bool) -> Outcome:
        """Reads articles if that is planned, fills a shadow if there is one, folds and compares."""
        readings = self._readings() if self.plan.articles else {}
        partitions = self._partitions(readings)
        if self.shadow is not None:
            self._fill(self.shadow, partitions, readings)
        outcome = Outcome(len(readings), [each for each in readings.values() if each.failure])
        if self.shadow is None or compare:
            self._fold(partitions, readings, outcome, compare=compare)
        return outcome

    def _readings(self) -> Readings:
        known = self.shadow.readings() if self.shadow else {}
        jobs = [
            partial(
                _read,
                self.production,
                self.selection,
                self.plan,
                {number: span},
                known=frozenset(known),
                shadow=self.shadow,
            )
            for number, span in self.plan.articles.items()
            if span[0] < span[1]
        ]
        with self.stages.stage("articles read", _size(self.plan.articles)) as tick:
            found = [each for part in spread(jobs, self.workers, tick) for each in part]
        whole = ends(self.production, self.production.topic(topics.ARTICLES))
        rest = {number: (first, whole[number][1]) for number, (first, _) in self.plan.articles.items()}
        return complete(self.production, rest, [*known.values(), *found])

    def _partitions(self, readings: Readings) -> list[Partition]:
        actors = None if self.plan.actor is None else frozenset({self.plan.actor})
        if self.plan.article is not None:
            shown = {each.actor for reading in readings.values() for each in reading.observations}
            found = shown | self._speaking(self.plan.article)
            actors = frozenset(found if actors is None else found & actors)
        return [Partition(self.production, self.plan, number, actors) for number in self.plan.observations]

    def _speaking(self, article: Digest) -> set[Slug]:
        """The actors that an article was observed to show."""
        jobs = [partial(_speaking, self.production, {n: span}, article) for n, span in self.plan.folded.items()]
        with self.stages.stage("observations searched", _size(self.plan.folded)) as tick:
            return set().union(*spread(jobs, self.workers, tick))

    def _fill(self, shadow: Shadow, partitions: Iterable[Partition], readings: Readings) -> None:
        fills = [partial(fill, shadow, each, readings) for each in partitions]
        with self.stages.stage("observations written", _size(self.plan.folded)) as tick:
            spread(fills, self.workers, tick)
        written = ends(shadow.settings, shadow.settings.topic(topics.OBSERVATIONS))
        trackers = [partial(track, shadow, self.plan, str(member)) for member in range(self.workers)]
        with self.stages.stage("observations tracked", _size(written)) as tick:
            spread(trackers, self.workers, tick)

    def _fold(self, partitions: Iterable[Partition], readings: Readings, outcome: Outcome, *, compare: bool) -> None:
        jobs = [partial(refold, each, readings) for each in partitions]
        with self.stages.stage("observations folded", _size(self.plan.folded)) as tick:
            refolded = spread(jobs, self.workers, tick)
        outcome.records = sum(each.count for each in refolded)
        outcome.actors = sum(len(each.known_until) for each in refolded)
        outcome.positions = sum(len(each.timelines) for each in refolded)
        outcome.changes = sum(len(each.changes) for each in refolded)
        self._require_some(outcome)
        if compare:
            self._compare(refolded, readings, outcome)

    def _require_some(self, outcome: Outcome) -> None:
        """An actor or an article that there is nothing of was misspelt, or is not in the range."""
        asked = {"actor": self.plan.actor, "article": self.plan.article}
        named = " and ".join(f"{what} {name}" for what, name in asked.items() if name is not None)
        if named and not outcome.articles and not outcome.actors:
            raise RangeError(f"{self.production.topic(topics.OBSERVATIONS)} has nothing of {named} in that range")

    def _compare(self, refolded: Iterable[Refolded], readings: Readings, outcome: Outcome) -> None:
        parts = list(refolded)
        known_from = {actor: at for part in parts for actor, at in part.known_from.items()}
        known_until = {actor: at for part in parts for actor, at in part.known_until.items()}
        was = recorded(self.production, known_from, known_until)
        outcome.went_on = len(was.went_on)
        now = {key: Timeline.model_validate_json(value) for part in parts for key, value in part.timelines.items()}
        observed = comparing.observations(
            [each for part in parts for each in part.before],
            [o for each in readings.values() for o in each.observations if self.plan.actor in {None, o.actor}],
        )
        found = comparing.positions(
            {key: each.positions for key, each in was.timelines.items() if key in now or known_from[key[0]] is None},
            {key: each.positions for key, each in now.items() if key not in was.went_on},
        )
        found += comparing.changes(was.changes, [change for part in parts for change in part.changes])
        outcome.differences = [
            *observed,
            *comparing.explained(found, observed, was.parameters, self.plan.parameters.version),
        ]


def _read(
    settings: BrokerSettings,
    selection: Selection,
    plan: Plan,
    spans: Spans,
    tick: Tick,
    *,
    known: frozenset[Revision],
    shadow: Shadow | None,
) -> list[Reading]:
    """What articles show to the classifier that is set; kept in the shadow at once."""
    reader = Reader(settings, build.classifier(ClassifierSettings()), frozenset(plan.axes), selection)
    found: list[Reading] = []
    for count, readings in reader.readings(spans, known):
        if shadow is not None:
            shadow.keep(readings)
        found += readings
        tick(count)
    return found


def _speaking(settings: BrokerSettings, spans: Spans, article: Digest, tick: Tick) -> set[Slug]:
    found: set[Slug] = set()
    for messages in scan(settings, settings.topic(topics.OBSERVATIONS), spans):
        found |= {str(each.key() or b"", "utf-8") for each in messages if article.encode() in (each.value() or b"")}
        tick(len(messages))
    return found


def _size(spans: Spans) -> int:
    return sum(end - first for first, end in spans.values())
