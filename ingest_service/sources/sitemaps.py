"""Sitemaps, news sitemaps and their indexes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest_service.fetching import Fetched, Fetcher, Kind
from ingest_service.fetching.errors import FetchError, TransientFetchError
from ingest_service.sources import Found, Known, Memory
from ingest_service.sources.rounds import wait
from ingest_service.sources.seen import keep_validators, recall_validators
from ingest_service.sources.visits import Target, Visits, why
from ingest_service.syndication.sitemap import MAX_ENTRIES, Entry, Sitemap, read_sitemap
from shared.errors import BadInputError

SITEMAP: frozenset[Kind] = frozenset({"xml", "gzip", "html", "text"})
MAX_BYTES = 50 * 1024 * 1024
"""By the protocol, of one sitemap once unpacked."""
MAX_DEPTH = 3
MAX_SITEMAPS = 100
_REMEMBERED = 2 * MAX_ENTRIES
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SitemapSource:
    """The pages that a sitemap names, new and changed ones only, the newest first.

    Indexes are followed `MAX_DEPTH` deep, to `MAX_SITEMAPS` sitemaps a round. More than `pages_a_round` pages wait for
    the next round.
    """

    name: str
    url: str
    fetcher: Fetcher
    now: Callable[[], datetime]
    pages_a_round: int = 200

    async def poll(self, memory: Memory) -> AsyncIterator[Found]:
        """What is new, changed or gone; raises StanceError if the sitemap can't be had or is none."""
        visits = Visits(self.name, self.fetcher, memory, self.pages_a_round, _REMEMBERED)
        crawl = _Crawl(self, memory, visits)
        try:
            async for found in crawl.sitemap(Entry(self.url), MAX_DEPTH):
                yield found
        except TransientFetchError as error:
            wait(memory, self.now(), error.retry_after)
            raise
        finally:
            visits.end()
        if visits.complete:
            wait(memory, self.now(), crawl.max_age)


class _Crawl:
    """One round through a tree of sitemaps; `max_age` is that of the first."""

    def __init__(self, source: SitemapSource, memory: Memory, visits: Visits) -> None:
        self._source = source
        self._memory = memory
        self._visits = visits
        self._read: set[str] = set()
        self.max_age: float | None = None

    async def sitemap(self, entry: Entry, depth: int) -> AsyncIterator[Found]:
        """What is new in a sitemap and in those below it."""
        self._read.add(entry.url)
        answer = await self._source.fetcher.fetch(
            entry.url, SITEMAP, recall_validators(self._memory, entry.url), MAX_BYTES
        )
        if len(self._read) == 1:
            self.max_age = answer.max_age
        if isinstance(answer, Fetched):
            sitemap = await asyncio.to_thread(read_sitemap, answer.content, answer.charset, answer.url, MAX_BYTES)
            async for found in self._contents(sitemap, entry.url, depth):
                yield found
            if self._visits.complete:
                keep_validators(self._memory, entry.url, answer.validators)
        if entry.version and self._visits.complete:
            self._visits.done(entry.url, entry.version)

    async def _contents(self, sitemap: Sitemap, url: str, depth: int) -> AsyncIterator[Found]:
        for defect in sitemap.defects:
            yield BadInputError(url, defect)
        for page in _newest_first(sitemap.pages):
            if self._visits.is_new(page.url, page.version):
                found = await self._visits.page(_target(page))
                if found is not None:
                    yield found
                    self._visits.done(page.url, page.version, found)
        if sitemap.sitemaps and depth == 0:
            yield BadInputError(url, f"its sitemaps are more than {MAX_DEPTH} indexes deep; they are not read")
            return
        for child in _newest_first(sitemap.sitemaps):
            async for found in self._child(child, depth - 1):
                yield found

    async def _child(self, child: Entry, depth: int) -> AsyncIterator[Found]:
        """A sitemap of an index: if it fails, the others are read all the same."""
        if child.url in self._read or not (child.version == "" or self._visits.is_new(child.url, child.version)):
            return
        if self._visits.exhausted or len(self._read) >= MAX_SITEMAPS:
            self._visits.complete = False
            return
        try:
            async for found in self.sitemap(child, depth):
                yield found
        except TransientFetchError as error:
            self._visits.complete = False
            yield BadInputError(child.url, f"it waits for the next round: {why(error, child.url)}")
        except FetchError as error:
            yield BadInputError(child.url, why(error, child.url))
        except BadInputError as error:
            yield error


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.published_at or entry.changed_at or _LONG_AGO, reverse=True)


def _target(page: Entry) -> Target:
    known = Known(title=page.title, publisher=page.publisher, published_at=page.published_at, origin="feed")
    return Target(page.url, page.version, page.url, known)
