"""RSS, Atom and JSON feeds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ingest_service.fetching import Fetched, Fetcher, Kind
from ingest_service.fetching.errors import TransientFetchError
from ingest_service.sources import Found, Known, MediaType, Memory, RawDocument
from ingest_service.sources.rounds import wait
from ingest_service.sources.seen import keep_validators, recall_validators
from ingest_service.sources.visits import Target, Visits
from ingest_service.syndication.feed import MAX_ITEMS, Feed, Item
from ingest_service.syndication.read import read_feed
from shared.errors import BadInputError

FEED: frozenset[Kind] = frozenset({"xml", "json", "html", "text"})
"""Feeds are served as anything; what they are is found by reading them."""
_REMEMBERED = 3 * MAX_ITEMS
_GONE = "gone"
_PAGE = '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><article>CONTENT</article></body></html>'


@dataclass(frozen=True)
class FeedSource:
    """A feed. Items that hold a whole article are taken from it, of others the linked page is fetched.

    An item that leaves the feed is only old; one that the feed marks as deleted or retracted is gone.
    `always_fetch`: take the linked page even so. `pages_a_round`: more pages than that wait for the next round.
    """

    name: str
    url: str
    fetcher: Fetcher
    now: Callable[[], datetime]
    always_fetch: bool = False
    pages_a_round: int = 200

    async def poll(self, memory: Memory) -> AsyncIterator[Found]:
        """What is new, changed or gone; raises StanceError if the feed can't be had or is none."""
        try:
            answer = await self.fetcher.fetch(self.url, FEED, recall_validators(memory, self.url))
        except TransientFetchError as error:
            wait(memory, self.now(), error.retry_after)
            raise
        if not isinstance(answer, Fetched):
            wait(memory, self.now(), answer.max_age)
            return
        feed = await asyncio.to_thread(read_feed, answer.content, answer.charset, answer.url)
        visits = Visits(self.name, self.fetcher, memory, self.pages_a_round, _REMEMBERED)
        async for found in self._found(feed, visits):
            yield found
        visits.end()
        if visits.complete:
            keep_validators(memory, self.url, answer.validators)
            wait(memory, self.now(), max(answer.max_age or 0.0, feed.stays_for.total_seconds()), feed.silent_hours)

    async def _found(self, feed: Feed, visits: Visits) -> AsyncIterator[Found]:
        for defect in feed.defects:
            yield BadInputError(self.url, defect)
        for deleted in feed.withdrawn:
            if visits.is_new(deleted.key, _GONE):
                url = deleted.key if deleted.key.startswith(("http://", "https://")) else None
                yield visits.gone(deleted.key, f"{self.url} {deleted.key}", url, deleted.reason)
                visits.done(deleted.key, _GONE)
        withdrawn = {deleted.key for deleted in feed.withdrawn}
        for item in feed.items:
            if item.key in withdrawn or not visits.is_new(item.key, item.version):
                continue
            found = await self._item(item, feed, visits)
            if found is not None:
                yield found
                visits.done(item.key, item.version, found)

    async def _item(self, item: Item, feed: Feed, visits: Visits) -> Found | None:
        where = item.link or f"{self.url} {item.key}"
        if item.retracted:
            return visits.gone(item.key, where, item.link, f"its title in the feed is now {item.title!r}")
        known = Known(
            title=item.title, url=item.link, author=item.author, published_at=item.published_at, origin="feed"
        )
        if item.link and (self.always_fetch or not item.complete):
            return await visits.page(Target(item.key, item.version, item.link, known))
        if not item.content:
            return BadInputError(where, "the item has neither text nor a link")
        known = replace(known, publisher=feed.title, published_at=item.published_at or item.updated_at)
        return self._from_feed(item, where, known)

    def _from_feed(self, item: Item, where: str, known: Known) -> RawDocument:
        text = _PAGE.replace("CONTENT", item.content) if item.markup else item.content
        media_type: MediaType = "text/html" if item.markup else "text/plain"
        return RawDocument(self.name, item.key, where, text.encode("utf-8", "replace"), media_type, known)
