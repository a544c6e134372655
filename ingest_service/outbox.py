"""What waits to be published: one thread publishes, everything that waits at a time as one batch."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from ingest_service.outcomes import Outcome
from ingest_service.publish import Publishing, Remember, Step
from shared.errors import BrokerUnavailableError, TransientError
from shared.health import Readiness

_STEPS_AT_ONCE: Final = 1000
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 30.0
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class _Waiting:
    steps: Sequence[Step]
    done: asyncio.Future[list[Outcome]]


class Outbox:
    """An async context manager that publishes; at its end it gives up what the broker has not acknowledged.

    `prepare` is done, in the thread that publishes, before the topic is read when the broker was away, and at first.
    """

    def __init__(self, publishing: Publishing, prepare: Callable[[], None] = lambda: None) -> None:
        self._publishing = publishing
        self._prepare = prepare
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "publish")
        self._answers = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self.readiness = Readiness("the topic of articles has not been read yet")

    async def __aenter__(self) -> Self:
        self._work = asyncio.create_task(self._run(), name="publish")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._publishing.stop()
        self.work.cancel()
        await asyncio.gather(self.work, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    @property
    def work(self) -> asyncio.Task[None]:
        """Ends only by failing, and nothing is published then."""
        assert self._work is not None, "it has not been entered"
        return self._work

    async def publish(self, steps: Sequence[Step]) -> list[Outcome]:
        """Once the broker has everything; raises BrokerUnavailableError at once while it is known not to answer."""
        if self.readiness.missing is not None:
            raise BrokerUnavailableError(self.readiness.missing)
        done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        await self._waiting.put(_Waiting(steps, done))
        return await done

    async def publish_patiently(self, steps: Sequence[Step]) -> list[Outcome]:
        """Once the broker has everything, however long that takes."""
        while True:
            await self._answers.wait()
            with suppress(TransientError):
                return await self.publish(steps)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Use the state between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def _run(self) -> None:
        """Publish until cancelled; while the broker is away, try again and again."""
        await self._recover()
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and sum(len(each.steps) for each in batch) < _STEPS_AT_ONCE:
                batch.append(self._waiting.get_nowait())
            try:
                outcomes = await self.in_thread(lambda: self._publishing.publish(_steps(batch)))  # noqa: B023
            except Exception as error:
                _fail(batch, error)
                if isinstance(error, TransientError):
                    await self._recover(error)
            else:
                _share(batch, outcomes)

    async def _recover(self, error: TransientError | None = None) -> None:
        """Returns when the topic was read to its end again; raises what waiting can't mend."""
        wait = _FIRST_WAIT
        while True:
            if error is not None:
                self.readiness.missing = str(error)
                self._answers.clear()
                while not self._waiting.empty():
                    _fail([self._waiting.get_nowait()], error)
                _log.error("%s; nothing is published, trying again in %.0f s", str(error).rstrip("."), wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            try:
                await self.in_thread(self._prepare)
                await self.in_thread(self._publishing.catch_up)
            except TransientError as failure:
                error = failure
            else:
                if error is not None:
                    _log.info("Kafka answers again")
                self.readiness.missing = None
                self._answers.set()
                return


def _steps(batch: Sequence[_Waiting]) -> list[Step]:
    return [step for each in batch for step in each.steps]


def _share(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Give everybody the outcomes of their own steps; those to be remembered have none."""
    start = 0
    for each in batch:
        end = start + sum(not isinstance(step, Remember) for step in each.steps)
        if not each.done.done():
            each.done.set_result(list(outcomes[start:end]))
        start = end


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for each in batch:
        if not each.done.done():
            each.done.set_exception(error)
