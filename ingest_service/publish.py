"""Articles to their topic, each revision once: read what is there, decide, write, take note, in one transaction.

What is known of the topic is noted only after the broker has acknowledged, and what a source remembers in the same
transaction: a crash at any point leaves at worst records on the topic that were not noted, and those are read from
there before anything else is decided.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ingest_service.comparable import Comparable, comparable
from ingest_service.dedupe import Duplicates
from ingest_service.identity import article_id
from ingest_service.normalise import VERSION
from ingest_service.outcomes import Outcome, decide
from ingest_service.raw import raw_entries
from ingest_service.sources import Gone, RawDocument
from ingest_service.state import State
from ingest_service.topic import Entry, Place, Read
from shared.errors import BadInputError
from shared.events import Article, Retraction
from shared.topics import ARTICLES

_READ_AT_ONCE = 10_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remember:
    """What a source wants to be kept once all that it found before is safe."""

    source: str
    key: str
    value: str


@dataclass(frozen=True)
class Candidate:
    """An article that may be new, and the document it was found in."""

    found: Comparable
    document: RawDocument


Step = Candidate | Gone | BadInputError | Remember


class ArticlesTopic(Protocol):
    """See `ingest_service.topic.Topic`."""

    def identity(self) -> str: ...
    def ends(self) -> dict[int, int]: ...
    def read(self, start: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Read]: ...
    def write(self, entries: Sequence[Entry]) -> list[Place]: ...
    def stop(self) -> None: ...


class Publishing:
    """Publishes what is new. Blocking, for one thread at a time; several processes take turns, a batch each."""

    def __init__(
        self, state: State, topic: ArticlesTopic, clock: Callable[[], datetime], *, keep_raw: bool = False
    ) -> None:
        self.state = state
        self._copies = Duplicates(state.connection)
        self._topic = topic
        self._clock = clock
        self._keep_raw = keep_raw

    def catch_up(self) -> None:
        """Learn what is on the topic; everything, if it is another than last time."""
        identity = self._identity()
        with self.state.writing() as state:
            if state.topic() != identity:
                self._begin(identity)
        caught_up = False
        while not caught_up:
            with self.state.writing():  # others may publish in between
                caught_up = self._read(_READ_AT_ONCE)

    def publish(self, steps: Sequence[Step]) -> list[Outcome]:
        """What became of each, in order; returns once the broker has all of it.

        Raises BrokerUnavailableError if it may not: then nothing is noted, and all of it is to be published again.
        """
        with self.state.writing():
            self._read()
            outcomes = self._decide(steps)
            entries = [_entry(outcome) for outcome in outcomes if outcome.record is not None]
            if self._keep_raw:  # first: once an article is there, nobody looks at its document again
                self._topic.write(list(raw_entries(_published_documents(steps, outcomes))))
            self._note_places(self._topic.write(entries))
        return outcomes

    def stop(self) -> None:
        """From another thread: give up what the broker has not acknowledged."""
        self._topic.stop()

    def preview(self, steps: Iterable[Step]) -> list[Outcome]:
        """What would become of each if it were published now."""
        with self.state.writing(keep=False):
            self._read()
            return self._decide(steps)

    def _decide(self, steps: Iterable[Step]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for step in steps:
            if isinstance(step, Remember):
                self.state.remember(step.source, {step.key: step.value})
                continue
            if isinstance(step, Candidate):
                self._note_place(step)
            item = step.found if isinstance(step, Candidate) else step
            outcome = decide(item, self.state, self._copies, self._clock())
            if outcome.event is not None:
                self._note(outcome.event, item if isinstance(item, Comparable) else None)
            outcomes.append(outcome)
        return outcomes

    def _read(self, limit: int | None = None) -> bool:
        """Read what others wrote, up to `limit` records; True if that is all there is."""
        progress, ends = self.state.progress(), self._topic.ends()
        if any(offset > ends.get(partition, 0) for partition, offset in progress.items()):
            _log.warning("the topic of articles has lost records or was made anew: what it holds is read again")
            self._begin(self._identity())
            progress = {}
        for count, read in enumerate(self._topic.read(progress, ends)):
            if count == limit:
                return False
            if read.event is not None:
                self._note(read.event, comparable(read.event) if isinstance(read.event, Article) else None)
            self.state.advance(read.partition, read.offset + 1)
        return True

    def _identity(self) -> str:
        """That of the topic, and of what makes fingerprints: those of another version can't be compared."""
        return f"{self._topic.identity()} {VERSION}"

    def _begin(self, identity: str) -> None:
        self.state.begin(identity)
        self._copies.clear()

    def _note(self, event: Article | Retraction, found: Comparable | None) -> None:
        self.state.note(event.article_id, event.revision, found.said if found else None)
        if isinstance(event, Article) and found is not None:
            self._copies.add(event, found.text)

    def _note_place(self, candidate: Candidate) -> None:
        """So that it is known what is gone when nothing answers there."""
        document = candidate.document
        found_as = article_id(document.source, document.key, document.known.url)
        known_as = candidate.found.article.article_id
        if found_as != known_as:
            self.state.found(found_as, known_as)

    def _note_places(self, places: Iterable[Place]) -> None:
        """Go on reading after our own records; if others lie between, ours are read as well, which is harmless."""
        progress = self.state.progress()
        for place in sorted(places, key=lambda place: place.offset):
            if place.topic == ARTICLES.name and progress.get(place.partition, 0) == place.offset:
                progress[place.partition] = place.offset + 1
                self.state.advance(place.partition, place.offset + 1)


def _published_documents(steps: Iterable[Step], outcomes: Iterable[Outcome]) -> list[RawDocument]:
    published = {outcome.event.raw_digest for outcome in outcomes if isinstance(outcome.event, Article)}
    candidates = (step for step in steps if isinstance(step, Candidate))
    return [each.document for each in candidates if each.found.article.raw_digest in published]


def _entry(outcome: Outcome) -> Entry:
    assert outcome.article_id is not None
    assert outcome.record is not None
    return Entry(ARTICLES.name, outcome.article_id.encode(), outcome.record)
