"""What a person names on the command line: files, folders and pages."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from ingest_service.build import now
from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import FetchError
from ingest_service.memory import SourceMemory, polled
from ingest_service.pipeline import Batch
from ingest_service.publish import Remember
from ingest_service.sources.pages import PagesSource


def is_url(target: str) -> bool:
    """Whether it is meant as a page rather than a path; what is no web page is refused with its reason when fetched."""
    return "://" in target


async def pages(urls: Sequence[str], source: str | None, fetcher: Fetcher) -> AsyncIterator[Batch]:
    """The pages, whatever is remembered of them; `source` None: each is of the source named as its host."""
    for url in urls:
        page = PagesSource(source or urlsplit(url).hostname or url, [url], fetcher, now)
        with suppress(FetchError):  # the page's own error tells it
            async for batch in polled(page, SourceMemory(page.name, {})):
                yield [each for each in batch if not isinstance(each, Remember)]
