"""What becomes of a document: published, and as which revision, or not. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ingest_service.comparable import Comparable
from ingest_service.identity import article_id
from ingest_service.similarity import Sketch
from ingest_service.sources import Gone
from ingest_service.urls import NotWebError
from shared.errors import BadInputError
from shared.events import Article, Retraction
from shared.topics import MAX_RECORD_BYTES

_LARGEST = MAX_RECORD_BYTES - 64 * 1024
"""Of a value; key, headers and Kafka's own framing need some room."""

Status = Literal["published", "revised", "retracted", "unchanged", "rejected"]


@dataclass(frozen=True)
class Outcome:
    """`record` is the value to publish, None if there is nothing to; `revision` the latest one after that."""

    status: Status
    article_id: str | None = None
    revision: int | None = None
    event: Article | Retraction | None = None
    record: bytes | None = None
    error: BadInputError | None = None


class Published(Protocol):
    """What is on the topic."""

    def latest(self, article_id: str) -> tuple[int, str | None] | None:
        """Revision and fingerprint (None: retracted) of the latest revision published."""
        ...

    def at(self, found_as: str) -> str:
        """The article last found at a place."""
        ...


class Copies(Protocol):
    """The texts on the topic."""

    def original(self, article_id: str, text: Sketch | None) -> str | None:
        """The article that one with this text is a copy of, if any."""
        ...


def decide(item: Comparable | Gone | BadInputError, published: Published, copies: Copies, now: datetime) -> Outcome:
    """What is to be done about an article, given what is published."""
    if isinstance(item, BadInputError):
        return Outcome("rejected", error=item)
    if isinstance(item, Gone):
        return _retraction(item, published, now)
    known_as = item.article.article_id
    latest = published.latest(known_as)
    revision, said_before = latest or (0, None)
    if item.said == said_before:
        return Outcome("unchanged", known_as, revision)
    original = copies.original(known_as, item.text)
    article = item.article.model_copy(update={"revision": revision + 1, "duplicate_of": original})
    return _to_publish("published" if latest is None else "revised", article)


def _retraction(gone: Gone, published: Published, now: datetime) -> Outcome:
    """Nothing, if the article was never published or is retracted already."""
    try:
        known_as = published.at(article_id(gone.source, gone.key, gone.url))
    except NotWebError as error:
        return Outcome("rejected", error=BadInputError(gone.where, f"its url {error}"))
    latest = published.latest(known_as)
    if latest is None or latest[1] is None:
        return Outcome("unchanged", known_as, latest[0] if latest else None)
    event = Retraction(article_id=known_as, revision=latest[0] + 1, reason=gone.reason, observed_at=now)
    return _to_publish("retracted", event)


def _to_publish(status: Status, event: Article | Retraction) -> Outcome:
    record = event.model_dump_json().encode()
    if len(record) > _LARGEST:
        reason = f"it takes {len(record):,} bytes as a record, Kafka takes {_LARGEST:,}; split it into articles"
        return Outcome("rejected", event.article_id, error=BadInputError(event.article_id, reason))
    return Outcome(status, event.article_id, event.revision, event, record)
