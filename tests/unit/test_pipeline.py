"""What is published, as which revision, and what is not."""

from collections.abc import Sequence

import pytest

from ingest_service.known import PublishedArticles
from ingest_service.pipeline import BATCH, Report, articles, ingest
from ingest_service.sources import Known, RawDocument
from shared.errors import BadInputError, TransientError
from shared.events import Article, Retraction
from tests.documents import PROSE, READ_AT, article, document


class Shelf:
    """A publisher that keeps what it is given, and refuses if told to."""

    def __init__(self, broken: bool = False) -> None:
        self.taken: list[Article] = []
        self.batches = 0
        self._broken = broken

    async def publish(self, articles: Sequence[Article]) -> None:
        if self._broken:
            raise TransientError("down")
        self.taken += articles
        self.batches += 1


async def run(
    *documents: RawDocument | BadInputError, published: PublishedArticles | None = None
) -> tuple[list[Article], Report]:
    shelf = Shelf()
    report = await ingest(articles(documents, lambda: READ_AT), published or PublishedArticles(), shelf)
    return shelf.taken, report


async def test_the_same_document_again_is_not_published_again() -> None:
    published = PublishedArticles()
    first, _ = await run(document(), published=published)
    again, report = await run(document(), document(), published=published)
    assert [one.revision for one in first] == [1]
    assert (again, report.unchanged) == ([], 2)


async def test_a_changed_text_is_the_next_revision() -> None:
    taken, report = await run(document(PROSE[0]), document(PROSE[1]), document(PROSE[0]))
    assert [one.revision for one in taken] == [1, 2, 3]
    assert len({one.article_id for one in taken}) == 1
    assert (report.published, report.revised) == (3, 2)


async def test_a_corrected_publication_date_is_a_revision() -> None:
    taken, _ = await run(document(), document(known=Known(published_at=READ_AT)))
    assert [one.revision for one in taken] == [1, 2]


async def test_an_article_that_is_back_after_its_retraction_is_published_again() -> None:
    published = PublishedArticles()
    [first], _ = await run(document(), published=published)
    published.add(Retraction(article_id=first.article_id, revision=2, reason="error", observed_at=READ_AT))
    [again], _ = await run(document(), published=published)
    assert again.revision == 3


async def test_rejected_documents_are_reported_and_the_others_published() -> None:
    taken, report = await run(document(b"", key="empty"), BadInputError("x", "gone"), document(key="good"))
    assert len(taken) == 1
    assert [error.where for error in report.rejected] == ["empty", "x"]


async def test_a_parser_that_fails_costs_its_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(text: str) -> tuple[str, float]:
        raise RuntimeError("unheard of")

    monkeypatch.setattr("py3langid.classify", explode)
    taken, report = await run(document(key="odd"), document(key="known", known=Known(language="en")))
    assert len(taken) == 1
    assert "RuntimeError: unheard of" in str(report.rejected[0])


async def test_articles_are_published_in_batches_of_bounded_size() -> None:
    shelf = Shelf()
    documents = (document(key=str(number)) for number in range(BATCH + 1))
    await ingest(articles(documents, lambda: READ_AT), PublishedArticles(), shelf)
    assert (len(shelf.taken), shelf.batches) == (BATCH + 1, 2)


async def test_a_failure_to_publish_ends_the_run() -> None:
    with pytest.raises(TransientError):
        await ingest([article()], PublishedArticles(), Shelf(broken=True))


def test_an_older_revision_read_late_does_not_count() -> None:
    published = PublishedArticles()
    published.add(article(PROSE[1]).model_copy(update={"revision": 2}))
    published.add(article(PROSE[0]))
    assert published.next_revision(article(PROSE[1])) is None
