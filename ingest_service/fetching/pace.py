"""Turns at each host: few requests at once, and none too soon after the last."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ingest_service.fetching.clock import Clock
from ingest_service.fetching.errors import UnavailableError

_REMEMBERED_HOSTS = 10_000


@dataclass
class _Lane:
    places: asyncio.Semaphore
    opens_at: float = field(default=float("-inf"))
    """When the next request may start."""


class Pacer:
    """Keeps requests to one host apart, across all sources of this process."""

    def __init__(self, clock: Clock, concurrency: int, max_wait: float) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._max_wait = max_wait
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()

    @asynccontextmanager
    async def turn(self, url: str, host: str, interval: float) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes `interval` seconds later.

        Raises UnavailableError at once if the host must be left alone for longer than we wait.
        """
        lane = self._lane(host)
        async with lane.places:
            now = self._clock.monotonic()
            wait = max(0.0, lane.opens_at - now)
            if wait > self._max_wait:
                raise UnavailableError(url, f"{host} wants no request for another {wait:,.0f} seconds", wait)
            lane.opens_at = now + wait + interval
            if wait:
                await self._clock.sleep(wait)
            yield

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for a while: it has asked for it."""
        lane = self._lane(host)
        lane.opens_at = max(lane.opens_at, self._clock.monotonic() + seconds)

    def _lane(self, host: str) -> _Lane:
        lane = self._lanes.setdefault(host, _Lane(asyncio.Semaphore(self._concurrency)))
        self._lanes.move_to_end(host)
        if len(self._lanes) > _REMEMBERED_HOSTS:
            self._lanes.popitem(last=False)
        return lane
