"""Visits to the pages that a feed or sitemap names: each version once."""

import logging
from dataclasses import dataclass, replace

from ingest_service.fetching import Fetched, Fetcher
from ingest_service.fetching.errors import (
    FetchError,
    GonePageError,
    PermanentFetchError,
    StatusError,
    TransientFetchError,
)
from ingest_service.sources import Found, Gone, Known, MediaType, Memory, RawDocument
from ingest_service.sources.seen import Seen
from shared.errors import BadInputError

_SAVED_EVERY = 25
_ROUNDS_UNTIL_GIVEN_UP = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A page to visit; `version` as far as the feed or sitemap tells versions apart."""

    key: str
    version: str
    url: str
    known: Known


class Visits:
    """The visits of one round. `complete` turns False when something is left for the next one."""

    def __init__(self, source: str, fetcher: Fetcher, memory: Memory, at_most: int, capacity: int) -> None:
        self._source = source
        self._fetcher = fetcher
        self._left = at_most
        self._seen = Seen(memory, capacity)
        self.complete = True

    def is_new(self, key: str, version: str) -> bool:
        """True if this version has not been dealt with."""
        self._seen.still(key)
        sight = self._seen.get(key)
        return sight is None or sight.version != version

    def gone(self, key: str, where: str, url: str | None, reason: str) -> Gone:
        """The withdrawal of an item, by the URL that it was published under."""
        sight = self._seen.get(key)
        return Gone(self._source, key, where, (sight and sight.url) or url, reason)

    def done(self, key: str, version: str, found: Found | None = None) -> None:
        """An item was dealt with; call it once what was found has been yielded."""
        url = found.known.url if isinstance(found, RawDocument) else found.url if isinstance(found, Gone) else None
        self._seen.note(key, version, url)
        self._seen.save(_SAVED_EVERY)

    def end(self) -> None:
        """Remember all; call it at the end of the round."""
        self._seen.save()

    @property
    def exhausted(self) -> bool:
        """True if no page may be visited any more."""
        return self._left <= 0

    async def page(self, target: Target) -> Found | None:
        """What is at a page; None if it has to wait for the next round. Call `done` next, unless it is None."""
        if self.exhausted:
            self.complete = False
            return None
        self._left -= 1
        try:
            fetched = await self._fetcher.fetch(target.url)
        except GonePageError as error:
            return self.gone(target.key, target.url, target.url, error.reason)
        except (StatusError, TransientFetchError) as error:
            return self._later(target, error)
        except PermanentFetchError as error:
            return BadInputError(target.url, why(error, target.url))
        assert isinstance(fetched, Fetched)  # no version was named
        return document(fetched, self._source, target.key, target.known)

    def _later(self, target: Target, error: StatusError | TransientFetchError) -> BadInputError | None:
        """Even 404 may pass: feeds often name a page before it is there."""
        reason = why(error, target.url)
        asked_to_wait = isinstance(error, TransientFetchError) and error.retry_after is not None
        if not asked_to_wait and self._seen.failed(target.key) >= _ROUNDS_UNTIL_GIVEN_UP:
            return BadInputError(target.url, f"it was given up after {_ROUNDS_UNTIL_GIVEN_UP} rounds: {reason}")
        _log.info("%s waits for the next round: %s", target.url, reason)
        self.complete = False
        return None


def document(fetched: Fetched, source: str, key: str, known: Known) -> RawDocument:
    """A page as a document, under the URL where it was in the end."""
    media_type: MediaType = "text/html" if fetched.kind == "html" else "text/plain"
    known = replace(known, url=fetched.url)
    return RawDocument(source, key, fetched.url, fetched.content, media_type, known, fetched.charset)


def why(error: FetchError, url: str) -> str:
    """The reason, with the URL that it is about if that is another one."""
    return error.reason if error.url == url else str(error)
