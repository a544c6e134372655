"""Construct what publishes, from settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ingest_service.configuration import AnyEntry, Configuration, FeedEntry, FilesEntry, PagesEntry, SitemapEntry
from ingest_service.fetching import Fetcher, FetchSettings
from ingest_service.fetching.network import VettedNetwork
from ingest_service.memory import polled
from ingest_service.normalising import Normaliser
from ingest_service.polling import Polled
from ingest_service.publish import Publishing
from ingest_service.settings import IngestApiSettings, IngestSettings
from ingest_service.sources import PolledSource
from ingest_service.sources.feeds import FeedSource
from ingest_service.sources.files import FileSource
from ingest_service.sources.pages import PagesSource
from ingest_service.sources.sitemaps import SitemapSource
from ingest_service.sources.watched import watched
from ingest_service.state import State
from ingest_service.topic import Topic
from shared.broker import running
from shared.errors import PermanentError
from shared.settings import BrokerSettings, secret
from shared.topics import ARTICLES

_FEW_DOCUMENTS = 16
_LEAST_TOKEN = 16
_IN_FLIGHT = 4
"""Batches of files that are normalised at a time: enough to keep the processes busy."""


def now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


def open_state(settings: BrokerSettings) -> State:
    """The state of the topic of articles, in the data folder."""
    path = settings.data_dir / "ingest" / f"{settings.topic(ARTICLES)}.sqlite"
    return State(path, wait_seconds=2 * settings.kafka_timeout_seconds)


@contextmanager
def addressed(settings: BrokerSettings) -> Iterator[BrokerSettings]:
    """The settings with an address; an embedded broker is running there, another one may not be there yet."""
    if settings.embedded:
        with running(settings) as started:
            yield started
    else:
        yield settings


@contextmanager
def publishing(settings: BrokerSettings, *, keep_raw: bool = False) -> Iterator[Publishing]:
    """Publishing to a broker with an address; nothing connects yet."""
    state = open_state(settings)
    topic = Topic(settings)
    try:
        yield Publishing(state, topic, now, keep_raw=keep_raw)
    finally:
        topic.close()
        state.close()


def fetcher(configuration: Configuration | None) -> Fetcher:
    """A fetcher that may reach the private hosts of the configuration."""
    private = configuration.allow_private if configuration is not None else ()
    return Fetcher(FetchSettings(), VettedNetwork(private))


def files(path: Path, source: str | None, settings: IngestSettings) -> FileSource:
    """The documents of a file or folder."""
    return FileSource(path, source, settings.max_file_bytes, settings.max_archive_bytes)


def polled_source(entry: AnyEntry, fetcher: Fetcher, settings: IngestSettings) -> Polled:
    """The source that an entry of the configuration describes."""
    if isinstance(entry, FilesEntry):
        found = files(entry.path, entry.name, settings)
        return Polled(entry.name, entry.every, partial(watched, found), _IN_FLIGHT)
    source: PolledSource
    match entry:
        case FeedEntry():
            source = FeedSource(entry.name, entry.url, fetcher, now, entry.always_fetch, entry.pages_a_round)
        case SitemapEntry():
            source = SitemapSource(entry.name, entry.url, fetcher, now, entry.pages_a_round)
        case PagesEntry():
            source = PagesSource(entry.name, entry.urls, fetcher, now)
    return Polled(entry.name, entry.every, partial(polled, source))


def api_token(settings: IngestApiSettings) -> bytes:
    """What clients must know; raises PermanentError if it is not set, or too easily guessed."""
    token = secret("STANCE_INGEST_API_TOKEN", settings.token, settings.token_file)
    if len(token) < _LEAST_TOKEN:
        raise PermanentError(
            f"STANCE_INGEST_API_TOKEN or STANCE_INGEST_API_TOKEN_FILE must give {_LEAST_TOKEN} characters or more, for "
            "articles to be taken over HTTP; `openssl rand -hex 32` makes some"
        )
    return token.encode()


@contextmanager
def normaliser(settings: IngestSettings, *, few_here: bool = False) -> Iterator[Normaliser]:
    """Processes that normalise; `few_here`: not worth starting for a few documents."""
    workers = settings.workers or os.cpu_count() or 1
    made = Normaliser(now, workers, settings.document_seconds, _FEW_DOCUMENTS if few_here else 0)
    try:
        yield made
    finally:
        made.close()
