"""Polls sources, each at its own pace; one that fails stops no other."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest_service.configuration import Interval
from ingest_service.memory import SourceMemory
from ingest_service.outbox import Outbox
from ingest_service.pipeline import Batch, Normalise, Report, ingest
from ingest_service.schedule import due, next_interval
from ingest_service.sources import NOT_BEFORE
from ingest_service.state import Round, State
from shared.errors import StanceError
from shared.observability import SOURCE_ROUNDS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Polled:
    """A source and how often it is polled; `batches` is one round."""

    name: str
    every: Interval
    batches: Callable[[SourceMemory], AsyncIterator[Batch]]
    in_flight: int = 1


class Poller:
    """Polls one source; `turns` bounds how many are polled at a time."""

    def __init__(
        self,
        polled: Polled,
        *,
        outbox: Outbox,
        state: State,
        normalise: Normalise,
        clock: Callable[[], datetime],
        turns: asyncio.Semaphore,
    ) -> None:
        self._polled = polled
        self._outbox = outbox
        self._state = state
        self._normalise = normalise
        self._clock = clock
        self._turns = turns

    async def run(self) -> None:
        """Poll until cancelled, beginning when the source is due since its last round."""
        rounds = await self._outbox.in_thread(lambda: self._state.rounds(self._polled.name))
        last = rounds[-1] if rounds else None
        while True:
            if last is not None:
                await asyncio.sleep((last.due_at - self._clock()).total_seconds())
            async with self._turns:
                last = await self.poll(last)

    async def poll(self, last: Round | None) -> Round:
        """One round, on record when it ends; whatever goes wrong is part of it."""
        name = self._polled.name
        memory = SourceMemory(name, await self._outbox.in_thread(lambda: self._state.memory(name)))
        report, error = Report(), None
        try:
            await ingest(
                self._polled.batches(memory),
                self._normalise,
                self._outbox.publish_patiently,
                report,
                self._polled.in_flight,
            )
        except StanceError as failure:
            error = str(failure)
            _log.warning("source %s failed: %s", name, failure, extra={"source": name})
        except Exception as failure:  # a bug in one source is no reason to stop the others
            error = f"{type(failure).__name__}: {failure}"
            _log.exception("source %s failed", name, extra={"source": name})
        await self._outbox.publish_patiently(memory.taken())  # such as when to come back
        return await self._ended(last, memory, report, error)

    async def _ended(self, last: Round | None, memory: SourceMemory, report: Report, error: str | None) -> Round:
        interval = next_interval(
            last.interval if last is not None else None,
            self._polled.every,
            news=report.new > 0,
            failed=error is not None,
        )
        ended_at = self._clock()
        ended = Round(
            source=self._polled.name,
            ended_at=ended_at,
            due_at=due(ended_at, interval, random.random(), _instant(memory.get(NOT_BEFORE))),  # noqa: S311
            interval=interval,
            published=report.new,
            unchanged=report.unchanged,
            rejected=report.rejected,
            error=error,
        )
        SOURCE_ROUNDS.labels(ended.source, "failed" if error else "succeeded").inc()
        await self._outbox.in_thread(lambda: self._keep(ended))
        return ended

    def _keep(self, ended: Round) -> None:
        with self._state.writing():
            self._state.ended(ended)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
