"""Single pages, asked again and again for changes."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest_service.fetching import PAGE, Fetched, Fetcher
from ingest_service.fetching.errors import FetchError, GonePageError, TransientFetchError
from ingest_service.sources import Found, Gone, Known, Memory
from ingest_service.sources.rounds import wait
from ingest_service.sources.seen import keep_validators, recall_validators
from ingest_service.sources.visits import document, why
from shared.errors import BadInputError


@dataclass(frozen=True)
class PagesSource:
    """Pages, each an article. One that answers 410 is gone; 404 is an error, for sites lose what nobody withdrew."""

    name: str
    urls: Sequence[str]
    fetcher: Fetcher
    now: Callable[[], datetime]

    async def poll(self, memory: Memory) -> AsyncIterator[Found]:
        """The pages that have changed or are gone; raises FetchError if none could be had."""
        failures: list[FetchError] = []
        pauses: list[float | None] = []
        for url in self.urls:
            try:
                answer = await self.fetcher.fetch(url, PAGE, recall_validators(memory, url))
            except GonePageError as error:
                yield Gone(self.name, url, url, memory.get(f"url {url}") or url, error.reason)
                continue
            except FetchError as error:
                failures.append(error)
                pauses.append(error.retry_after if isinstance(error, TransientFetchError) else None)
                yield BadInputError(url, why(error, url))
                continue
            pauses.append(answer.max_age)
            if isinstance(answer, Fetched):
                digest = hashlib.sha256(answer.content).hexdigest()
                if digest != memory.get(f"digest {url}"):
                    yield document(answer, self.name, url, Known())
                memory.put(f"digest {url}", digest)
                memory.put(f"url {url}", answer.url)
                keep_validators(memory, url, answer.validators)
        wait(memory, self.now(), min((pause or 0.0 for pause in pauses), default=0.0))
        if len(failures) == len(self.urls):
            raise failures[-1]
