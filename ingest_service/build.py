"""Construct what publishes, from settings."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime

from ingest_service.normalising import Normaliser
from ingest_service.outbox import Outbox
from ingest_service.publish import Publishing
from ingest_service.settings import IngestSettings
from ingest_service.state import State
from ingest_service.topic import Topic
from shared.settings import BrokerSettings
from shared.topics import ARTICLES

_FEW_DOCUMENTS = 16


def now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


def open_state(settings: BrokerSettings) -> State:
    """The state of the topic of articles, in the data folder."""
    path = settings.data_dir / "ingest" / f"{settings.topic(ARTICLES)}.sqlite"
    return State(path, wait_seconds=2 * settings.kafka_timeout_seconds)


@contextmanager
def publishing(settings: BrokerSettings) -> Iterator[tuple[Publishing, Topic]]:
    """Publishing to a broker that is running."""
    state = open_state(settings)
    topic = Topic(settings)
    try:
        yield Publishing(state, topic, now), topic
    finally:
        topic.close()
        state.close()


@asynccontextmanager
async def outbox(publisher: Publishing, topic: Topic) -> AsyncIterator[Outbox]:
    """An outbox at work; at the end it gives up what the broker has not acknowledged."""
    waiting = Outbox(publisher)
    work = asyncio.create_task(waiting.run(), name="publish")
    try:
        yield waiting
    finally:
        topic.stop()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await asyncio.to_thread(waiting.close)


@contextmanager
def normaliser(settings: IngestSettings, *, few_here: bool = False) -> Iterator[Normaliser]:
    """Processes that normalise; `few_here`: not worth starting for a few documents."""
    workers = settings.workers or os.cpu_count() or 1
    made = Normaliser(now, workers, settings.document_seconds, _FEW_DOCUMENTS if few_here else 0)
    try:
        yield made
    finally:
        made.close()
