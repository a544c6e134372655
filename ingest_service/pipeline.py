"""Documents through normalisation to the topic, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest_service.normalising import Normalised
from ingest_service.outcomes import Outcome
from ingest_service.publish import Candidate, Remember, Step
from ingest_service.sources import Found, RawDocument
from shared.errors import BadInputError, StanceError
from shared.observability import DOCUMENTS

DOCUMENTS_AT_ONCE = 64
BYTES_AT_ONCE = 8 * 1024 * 1024
_log = logging.getLogger(__name__)

Normalise = Callable[[Sequence[RawDocument]], Awaitable[list[Normalised]]]
Publish = Callable[[Sequence[Step]], Awaitable[list[Outcome]]]
Batch = Sequence[Found | Remember]


@dataclass
class Report:
    """What became of the documents; `published` counts those revised as well."""

    published: int = 0
    revised: int = 0
    retracted: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        """All documents."""
        return self.published + self.retracted + self.unchanged + self.rejected

    @property
    def new(self) -> int:
        """How much the topic has grown."""
        return self.published + self.retracted


async def ingest(
    batches: AsyncIterator[Batch], normalise: Normalise, publish: Publish, report: Report, in_flight: int = 1
) -> None:
    """Publish what is new or changed, in order, with up to `in_flight` batches being normalised at a time.

    `report` is kept up to date meanwhile. If the source fails, what it found before is published first.
    """
    window: deque[asyncio.Task[list[Step]]] = deque()
    failure: StanceError | None = None

    async def publish_oldest() -> None:
        note(await publish(await window[0]), report)
        window.popleft()

    try:
        try:
            async for batch in batches:
                window.append(asyncio.create_task(prepared(batch, normalise)))
                if len(window) >= in_flight:
                    await publish_oldest()
        except StanceError as error:
            failure = error
        while window:
            await publish_oldest()
    finally:
        for task in window:
            task.cancel()
    if failure is not None:
        raise failure


async def prepared(batch: Batch, normalise: Normalise) -> list[Step]:
    """The batch with its documents normalised."""
    documents = [found for found in batch if isinstance(found, RawDocument)]
    articles = iter(await normalise(documents) if documents else [])
    return [_step(found, next(articles)) if isinstance(found, RawDocument) else found for found in batch]


def _step(document: RawDocument, found: Normalised) -> Step:
    return found if isinstance(found, BadInputError) else Candidate(found, document)


def note(outcomes: Iterable[Outcome], report: Report) -> None:
    """Count outcomes, and log what was rejected and why."""
    for outcome in outcomes:
        DOCUMENTS.labels(outcome.status).inc()
        if outcome.error is not None:
            extra = {"where": outcome.error.where, "reason": outcome.error.reason}
            _log.error("%s", outcome.error, extra=extra)
        match outcome.status:
            case "published":
                report.published += 1
            case "revised":
                report.published += 1
                report.revised += 1
            case "retracted":
                report.retracted += 1
            case "unchanged":
                report.unchanged += 1
            case "rejected":
                report.rejected += 1


def in_thread(publish: Callable[[Sequence[Step]], list[Outcome]]) -> Publish:
    """Publishing that does not hold up the loop."""

    async def published(steps: Sequence[Step]) -> list[Outcome]:
        return await asyncio.to_thread(publish, steps)

    return published


async def read_in_thread(documents: Iterator[Found]) -> AsyncIterator[list[Found]]:
    """Batches of bounded number and size, read without holding up the loop."""
    while batch := await asyncio.to_thread(_take, documents):
        yield batch


def _take(documents: Iterator[Found]) -> list[Found]:
    batch: list[Found] = []
    size = 0
    while len(batch) < DOCUMENTS_AT_ONCE and size < BYTES_AT_ONCE:
        found = next(documents, None)
        if found is None:
            break
        batch.append(found)
        size += len(found.content) if isinstance(found, RawDocument) else 0
    return batch
