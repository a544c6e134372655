"""A local web server under two names that may be fetched from, and a clock that need not be waited for."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest_service.fetching import Fetcher, FetchSettings
from ingest_service.fetching.network import VettedNetwork
from tests.fetching.server import WebServer, web_server

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time passes when slept through; `slept` keeps every sleep."""

    passed: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


async def at_home(host: str, port: int) -> Sequence[str]:
    """Every name is this machine's."""
    return ["127.0.0.1"]


NewFetcher = Callable[..., Fetcher]


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as web:
        yield web


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_fetcher(clock: FakeClock) -> NewFetcher:
    """Fetchers by settings; without an interval between requests, unless a test sets one."""

    def build(network: VettedNetwork | None = None, **settings: Any) -> Fetcher:
        usual: dict[str, Any] = {"host_interval_seconds": 0.0}
        ours = VettedNetwork({"news.example", "other.example"}, at_home)
        return Fetcher(FetchSettings(**(usual | settings)), network or ours, clock, jitter=lambda: 1.0)

    return build


@pytest.fixture
async def fetcher(new_fetcher: NewFetcher) -> AsyncIterator[Fetcher]:
    async with new_fetcher() as ready:
        yield ready
