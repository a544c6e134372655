"""`ingest-service run`: polls sources and takes articles over HTTP, until stopped."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ingest_service import build
from ingest_service.api.app import Articles, application
from ingest_service.api.server import serving
from ingest_service.configuration import AnyEntry, read_configuration
from ingest_service.fetching import Fetcher
from ingest_service.normalising import Normaliser
from ingest_service.outbox import Outbox
from ingest_service.polling import Poller
from ingest_service.publish import Publishing
from ingest_service.reloading import configurations
from ingest_service.roster import Roster
from ingest_service.settings import IngestApiSettings, IngestSettings
from shared.broker import create_topics
from shared.errors import PermanentError
from shared.health import Checks, Progress, serving_health
from shared.settings import BrokerSettings, HealthSettings
from shared.termination import leave
from shared.workers import ATTEMPT_SECONDS

_BEAT_SECONDS: Final = 1.0
_SILENT_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


def run(
    sources: Annotated[Path | None, typer.Option(help="YAML file of sources; else STANCE_INGEST_SOURCES.")] = None,
) -> None:
    """Poll the sources, and take articles at `POST /articles`, until SIGTERM or Ctrl-C.

    The file of sources may be changed meanwhile. Without it, or without STANCE_INGEST_API_PORT, only the other is done.
    While Kafka is not there, at the start as later, sources wait and clients are answered 503.
    """
    settings, api = IngestSettings(), IngestApiSettings()
    path = sources or settings.sources
    if path is None and api.port is None:
        raise PermanentError("there is nothing to do: set STANCE_INGEST_SOURCES, STANCE_INGEST_API_PORT or both")
    if path is not None:
        read_configuration(path)  # what is wrong is said before anything is started
    if api.port is not None:
        build.api_token(api)
    with (
        build.addressed(BrokerSettings()) as broker,
        build.publishing(broker, keep_raw=settings.keep_raw) as publishing,
    ):
        outbox = Outbox(publishing, partial(create_topics, broker, seconds=ATTEMPT_SECONDS))
        asyncio.run(_run(path, settings, api, publishing, outbox))
    leave()


async def _run(
    path: Path | None, settings: IngestSettings, api: IngestApiSettings, publishing: Publishing, outbox: Outbox
) -> None:
    async with AsyncExitStack() as stack:
        normaliser = stack.enter_context(build.normaliser(settings))
        await stack.enter_async_context(outbox)
        comes_round = Progress("the event loop", _SILENT_SECONDS)
        checks = Checks(live={"loop": comes_round}, ready={"kafka": outbox.readiness})
        stack.enter_context(serving_health(HealthSettings(), checks))
        work: list[Coroutine[Any, Any, None]] = [_beat(comes_round)]
        if api.port is not None:
            articles = Articles(
                api,
                build.api_token(api),
                outbox=outbox,
                state=publishing.state,
                normalise=normaliser,
                clock=build.now,
            )
            await stack.enter_async_context(serving(api, application(articles, checks)))
        if path is not None:
            work.append(_Polling(settings, publishing, outbox, normaliser).follow(path))
        await _until_stopped(work, outbox.work)
    _log.info("stopped")


@dataclass(frozen=True)
class _Polling:
    settings: IngestSettings
    publishing: Publishing
    outbox: Outbox
    normaliser: Normaliser

    async def follow(self, path: Path) -> None:
        """Poll what the file of sources names, as it is changed; other private hosts need another fetcher."""
        turns = asyncio.Semaphore(self.settings.parallel)
        allowed: tuple[str, ...] | None = None
        async with AsyncExitStack() as stack:
            async for configuration in configurations(path):
                if configuration.allow_private != allowed:
                    await stack.aclose()
                    allowed = configuration.allow_private
                    fetcher = await stack.enter_async_context(build.fetcher(configuration))
                    roster = await stack.enter_async_context(Roster(partial(self._poller, fetcher, turns)))
                await roster.follow(configuration)

    def _poller(self, fetcher: Fetcher, turns: asyncio.Semaphore, entry: AnyEntry) -> Poller:
        return Poller(
            build.polled_source(entry, fetcher, self.settings),
            outbox=self.outbox,
            state=self.publishing.state,
            normalise=self.normaliser,
            clock=build.now,
            turns=turns,
        )


async def _until_stopped(work: list[Coroutine[Any, Any, None]], publishing: asyncio.Task[None]) -> None:
    """Do all of it until a signal comes; raises what went wrong with any. Publishing goes on, for what is left."""
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    tasks = [asyncio.create_task(each) for each in (*work, stopped.wait())]
    done, _ = await asyncio.wait([*tasks, publishing], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for ended in done:
        ended.result()


async def _beat(progress: Progress) -> None:
    while True:
        progress.beat()
        await asyncio.sleep(_BEAT_SECONDS)
