"""Normalisation in processes of their own: on all cores, and a document that ends its process costs only itself."""

import asyncio
import faulthandler
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from ingest_service.comparable import Comparable, comparable
from ingest_service.normalise import normalise
from ingest_service.sources import RawDocument
from shared.errors import BadInputError

Normalised = Comparable | BadInputError


def normalised(document: RawDocument, now: datetime) -> Normalised:
    """The article in a document, or why there is none."""
    try:
        return comparable(normalise(document, now))
    except BadInputError as error:
        return error
    except Exception as error:  # a parser met what it never saw: that document is lost, not the others
        return BadInputError(document.where, f"it can't be processed ({type(error).__name__}: {error})")


class Normaliser:
    """Normalises with so many processes, started when first needed.

    Up to `inline` documents are normalised in this process as long as there are no others. `limit_seconds` is for one
    document, in a process of its own.
    """

    def __init__(self, clock: Callable[[], datetime], workers: int, limit_seconds: float, inline: int = 0) -> None:
        self._clock = clock
        self._workers = workers
        self._limit = limit_seconds
        self._inline = inline
        self._pool: ProcessPoolExecutor | None = None
        self._cell: ProcessPoolExecutor | None = None
        self._in_cell = asyncio.Lock()

    async def __call__(self, documents: Sequence[RawDocument]) -> list[Normalised]:
        """The article of each document, or why there is none."""
        if self._pool is None and len(documents) <= self._inline:
            return await asyncio.to_thread(_all, documents, self._clock(), None)
        if self._pool is None:
            self._pool = _pool(self._workers)
        pool = self._pool
        try:
            return await self._in(pool, documents)
        except BrokenProcessPool:
            if pool is self._pool:
                self._pool = None
            pool.shutdown(wait=False)
            return [await self._alone(document) for document in documents]

    def close(self) -> None:
        """End the processes; what they do at the moment is lost."""
        for pool in (self._pool, self._cell):
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)

    async def _alone(self, document: RawDocument) -> Normalised:
        """One of these ended a process: whichever it is, it can't take another document with it here."""
        async with self._in_cell:
            if self._cell is None:
                self._cell = _pool(1)
            try:
                return (await self._in(self._cell, [document]))[0]
            except BrokenProcessPool:
                self._cell = None
                return BadInputError(document.where, f"it ended the process that read it, or took {self._limit:.0f} s")

    async def _in(self, pool: Executor, documents: Sequence[RawDocument]) -> list[Normalised]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, _all, documents, self._clock(), self._limit)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Kafka's client has threads, which a plain fork does not survive; the server is forked from before they start
    context = get_context("forkserver")
    context.set_forkserver_preload(["ingest_service.normalise"])
    return ProcessPoolExecutor(workers, context, initializer=_begin)


def _begin() -> None:
    """In a worker: Ctrl-C is for the parent, and without it there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _all(documents: Sequence[RawDocument], now: datetime, limit_seconds: float | None) -> list[Normalised]:
    found: list[Normalised] = []
    for document in documents:
        if limit_seconds is not None:
            faulthandler.dump_traceback_later(limit_seconds, exit=True)  # ends C code as well, unlike a signal
        found.append(normalised(document, now))
        if limit_seconds is not None:
            faulthandler.cancel_dump_traceback_later()
    return found
