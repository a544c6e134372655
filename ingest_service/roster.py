"""The sources that are being polled, as the configuration has them."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from ingest_service.configuration import AnyEntry, Configuration

_RESTART_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class Polling(Protocol):
    """See `ingest_service.polling.Poller`."""

    async def run(self) -> None:
        """Poll until cancelled."""
        ...


@dataclass(frozen=True)
class _Running:
    entry: AnyEntry
    task: asyncio.Task[None]


class Roster:
    """Has a poller for each source, made by `poller`; an async context manager that ends them all."""

    def __init__(self, poller: Callable[[AnyEntry], Polling]) -> None:
        self._poller = poller
        self._running: dict[str, _Running] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop(list(self._running))

    async def follow(self, configuration: Configuration) -> None:
        """Stop what has gone or changed, start what is new or changed; all others go on undisturbed."""
        wanted = {entry.name: entry for entry in configuration.sources}
        await self._stop([name for name, running in self._running.items() if running.entry != wanted.get(name)])
        for name in wanted.keys() - self._running.keys():
            task = asyncio.create_task(_keep_polling(name, self._poller(wanted[name])), name=f"poll {name}")
            self._running[name] = _Running(wanted[name], task)

    async def _stop(self, names: list[str]) -> None:
        tasks = [self._running.pop(name).task for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_polling(name: str, poller: Polling) -> None:
    while True:
        try:
            await poller.run()
        except Exception:  # such as a full disk: the other sources, and this one later, may fare better
            _log.exception("polling %s failed, beginning again in %.0f s", name, _RESTART_SECONDS)
            await asyncio.sleep(_RESTART_SECONDS)
