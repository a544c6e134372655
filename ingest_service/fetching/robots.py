"""What sites allow robots, by RFC 9309."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx2
from protego import Protego

from ingest_service.fetching.clock import Clock
from ingest_service.fetching.errors import (
    DeniedByRobotsError,
    PermanentFetchError,
    RefusedAddressError,
    RefusedUrlError,
    TooLargeError,
    TransientFetchError,
    UnavailableError,
)
from ingest_service.fetching.settings import ROBOT

MAX_BYTES = 1024 * 1024
"""RFC 9309 asks for 500 KiB at least."""
_LIFETIME = 12 * 3600.0
_LIFETIME_OF_FAILURE = 600.0
_REMEMBERED_SITES = 10_000


@dataclass
class _Site:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    until: float = float("-inf")
    rules: Protego | TooLargeError | TransientFetchError | None = None
    """None: it has none, all is allowed. An error: they are not known."""


class Robots:
    """The robots.txt of every site we have been to, asked for again twice a day. `get` reads one."""

    def __init__(self, get: Callable[[str], Awaitable[bytes]], clock: Clock) -> None:
        self._get = get
        self._clock = clock
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    async def interval(self, url: httpx2.URL) -> float:
        """The seconds that must lie between requests to the site; raises DeniedByRobotsError if `url` is not allowed.

        Raises UnavailableError while the site's rules can't be read: they may forbid it.
        """
        rules = await self._rules(str(url.copy_with(raw_path=b"/robots.txt", fragment=None)))
        if isinstance(rules, TransientFetchError):
            raise UnavailableError(
                str(url), f"its robots.txt can't be read, and may forbid it: {rules.reason}", rules.retry_after
            )
        if isinstance(rules, TooLargeError):
            raise DeniedByRobotsError(str(url), f"its robots.txt can't be obeyed: {rules.reason}")
        if rules is None:
            return 0.0
        if not rules.can_fetch(str(url), ROBOT):
            raise DeniedByRobotsError(str(url), f"the site's robots.txt does not allow it for {ROBOT}")
        rate = rules.request_rate(ROBOT)
        return max(rules.crawl_delay(ROBOT) or 0.0, rate.seconds / rate.requests if rate else 0.0)

    async def _rules(self, url: str) -> Protego | TooLargeError | TransientFetchError | None:
        site = self._sites.setdefault(url, _Site())
        self._sites.move_to_end(url)
        if len(self._sites) > _REMEMBERED_SITES:
            self._sites.popitem(last=False)
        async with site.lock:
            if self._clock.monotonic() >= site.until:
                site.rules = await self._read(url)
                failed = isinstance(site.rules, TransientFetchError)
                site.until = self._clock.monotonic() + (_LIFETIME_OF_FAILURE if failed else _LIFETIME)
            return site.rules

    async def _read(self, url: str) -> Protego | TooLargeError | TransientFetchError | None:
        try:
            content = await self._get(url)
        except (RefusedAddressError, RefusedUrlError):
            raise
        except (TooLargeError, TransientFetchError) as error:
            return error
        except PermanentFetchError:
            return None
        return await asyncio.to_thread(Protego.parse, content.decode("utf-8-sig", "replace"))
