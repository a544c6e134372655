"""Documents through normalisation to the topic."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

from ingest_service.known import PublishedArticles
from ingest_service.normalise import normalise
from ingest_service.sources import RawDocument
from shared.errors import BadInputError
from shared.events import Article
from shared.observability import DOCUMENTS

BATCH = 200
_log = logging.getLogger(__name__)


class Publisher(Protocol):
    """Takes articles; returns only when they are safe."""

    async def publish(self, articles: Sequence[Article]) -> None:
        """Raises if an article may not have been taken."""
        ...


@dataclass
class Report:
    """What became of the documents."""

    published: int = 0
    revised: int = 0
    unchanged: int = 0
    rejected: list[BadInputError] = field(default_factory=list)


def articles(
    documents: Iterable[RawDocument | BadInputError], clock: Callable[[], datetime]
) -> Iterator[Article | BadInputError]:
    """The article of every document, or why there is none; `clock` says when it was read."""
    for document in documents:
        if isinstance(document, BadInputError):
            yield document
            continue
        try:
            yield normalise(document, clock())
        except BadInputError as error:
            yield error
        except Exception as error:  # a parser met what it never saw: that document is lost, not the others
            _log.exception("normalising %s failed", document.where)
            yield BadInputError(document.where, f"it can't be processed ({type(error).__name__}: {error})")


async def ingest(read: Iterable[Article | BadInputError], published: PublishedArticles, publisher: Publisher) -> Report:
    """Publish what is new or changed, in batches of bounded size; `published` is kept up to date."""
    report = Report()
    stream = iter(read)
    while batch := list(islice(stream, BATCH)):
        fresh = [article for item in batch if (article := _sort(item, published, report)) is not None]
        await publisher.publish(fresh)
        report.published += len(fresh)
        report.revised += sum(article.revision > 1 for article in fresh)
        DOCUMENTS.labels("published").inc(len(fresh))
    return report


def _sort(item: Article | BadInputError, published: PublishedArticles, report: Report) -> Article | None:
    if isinstance(item, BadInputError):
        report.rejected.append(item)
        DOCUMENTS.labels("rejected").inc()
        _log.error("%s", item, extra={"where": item.where, "reason": item.reason})
        return None
    article = published.next_revision(item)
    if article is None:
        report.unchanged += 1
        DOCUMENTS.labels("unchanged").inc()
    else:
        published.add(article)
    return article
