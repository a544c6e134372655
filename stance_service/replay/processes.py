"""Jobs spread over processes, whose progress is told."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from typing import Final, TypeVar

from shared.errors import PermanentError, StanceError, TransientError
from stance_service.cycles import leave_history_alone

T = TypeVar("T")
Tick = Callable[[int], None]
"""Told of so many records gone through."""
Job = Callable[[Tick], T]
_LOOK_SECONDS: Final = 0.2

_counter: "Synchronized[int] | None" = None
"""Of the records that all processes of a pool went through; set in each of them."""


def spread(jobs: Sequence[Job[T]], workers: int, tick: Tick) -> list[T]:
    """The results in order. One worker is this process; several get what can be pickled. The first failure ends all."""
    leave_history_alone()
    if workers == 1 or len(jobs) == 1:
        return [job(tick) for job in jobs]
    context = get_context("spawn")  # Kafka's clients don't survive a fork
    counter = context.Value("Q", 0)
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _begin, (counter,))
    try:
        futures, told, left = [pool.submit(_run, job) for job in jobs], 0, True
        while left:
            done, pending = wait(futures, _LOOK_SECONDS)
            left = bool(pending)
            for each in done:
                each.result()
            now = counter.value
            tick(now - told)
            told = now
        return [each.result() for each in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(counter: "Synchronized[int]") -> None:
    global _counter  # noqa: PLW0603  # a pool has no other way to hand it over
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    leave_history_alone()


def _run(job: Job[T]) -> T:
    try:
        return job(_tell)
    except TransientError as error:  # ours don't all survive the way back
        raise TransientError(str(error)) from None
    except StanceError as error:
        raise PermanentError(str(error)) from None


def _tell(count: int) -> None:
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += count
