"""How documents get from a source to being published."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime

import pytest

from ingest_service.normalising import Normalised, Normaliser, normalised
from ingest_service.outcomes import Outcome
from ingest_service.pipeline import BYTES_AT_ONCE, DOCUMENTS_AT_ONCE, Batch, Report, ingest, read_in_thread
from ingest_service.publish import Candidate, Remember, Step
from ingest_service.sources import Found, RawDocument
from shared.errors import BadInputError, TransientError
from tests.documents import PROSE, READ_AT, document


class Shelf:
    """Takes all that is new to it."""

    def __init__(self, broken: bool = False) -> None:
        self.taken: list[Step] = []
        self._broken = broken

    async def publish(self, steps: Sequence[Step]) -> list[Outcome]:
        if self._broken:
            raise TransientError("down")
        self.taken += steps
        return [self._outcome(step) for step in steps if not isinstance(step, Remember)]

    def _outcome(self, step: Step) -> Outcome:
        if isinstance(step, BadInputError):
            return Outcome("rejected", error=step)
        return Outcome("published")

    @property
    def keys(self) -> list[str]:
        return [step.document.key for step in self.taken if isinstance(step, Candidate)]


async def normalise(documents: Sequence[RawDocument]) -> list[Normalised]:
    return [normalised(each, READ_AT) for each in documents]


async def run(shelf: Shelf, *batches: Batch, failure: Exception | None = None, in_flight: int = 1) -> Report:
    report = Report()
    await ingest(given(*batches, failure=failure), normalise, shelf.publish, report, in_flight)
    return report


async def given(*batches: Batch, failure: Exception | None = None) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch
    if failure is not None:
        raise failure


async def test_documents_are_published_in_the_order_in_which_they_were_found() -> None:
    shelf = Shelf()
    slow = asyncio.Event()

    async def ever_faster(documents: Sequence[RawDocument]) -> list[Normalised]:
        if documents[0].key == "0":
            await slow.wait()
        if documents[0].key == "2":
            slow.set()
        return await normalise(documents)

    batches = [[document(key=str(number))] for number in range(6)]
    report = Report()
    await ingest(given(*batches), ever_faster, shelf.publish, report, in_flight=3)
    assert shelf.keys == list("012345")
    assert report == Report(published=6)


async def test_what_a_source_remembers_stays_behind_what_it_found_before() -> None:
    shelf = Shelf()
    remember = Remember("feed", "etag", "1")
    await run(shelf, [document(key="a"), remember, document(key="b")])
    assert shelf.taken[1] is remember
    assert shelf.keys == ["a", "b"]


async def test_rejected_documents_are_counted_and_logged_with_their_reason(caplog: pytest.LogCaptureFixture) -> None:
    batch: list[Found] = [document(b"", key="empty"), BadInputError("x", "broken"), document(key="good")]
    report = await run(Shelf(), batch)
    assert (report.published, report.rejected) == (1, 2)
    assert [(vars(record)["where"], vars(record)["reason"]) for record in caplog.records] == [
        ("empty", "it is empty"),
        ("x", "broken"),
    ]


async def test_what_was_found_before_a_source_failed_is_published() -> None:
    shelf = Shelf()
    found = [[document(key=str(number))] for number in range(3)]
    with pytest.raises(TransientError, match="no connection"):
        await run(shelf, *found, failure=TransientError("no connection"), in_flight=5)
    assert shelf.keys == ["0", "1", "2"]


async def test_a_failure_to_publish_ends_the_run() -> None:
    with pytest.raises(TransientError, match="down"):
        await run(Shelf(broken=True), [document()])


async def test_a_parser_that_fails_costs_its_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(raw: RawDocument, now: datetime) -> None:
        raise RuntimeError("unheard of")

    monkeypatch.setattr("ingest_service.normalising.normalise", explode)
    [error] = await normalise([document()])
    assert "RuntimeError: unheard of" in str(error)


async def test_files_are_read_in_batches_of_bounded_number_and_size() -> None:
    large = document("x" * (BYTES_AT_ONCE // 2), key="large")
    found = [document(key=str(number)) for number in range(DOCUMENTS_AT_ONCE + 1)] + [large] * 3
    batches = [batch async for batch in read_in_thread(iter(found))]
    assert [len(batch) for batch in batches] == [DOCUMENTS_AT_ONCE, 3, 1]
    assert [each for batch in batches for each in batch] == found


@pytest.fixture
def in_processes() -> Iterator[Callable[[float], Normaliser]]:
    made: list[Normaliser] = []

    def make(limit: float) -> Normaliser:
        made.append(Normaliser(lambda: READ_AT, workers=2, limit_seconds=limit))
        return made[-1]

    yield make
    for normaliser in made:
        normaliser.close()


async def test_processes_normalise_as_this_one_does(in_processes: Callable[[float], Normaliser]) -> None:
    documents = [document(text, key=text) for text in (*PROSE, "")]
    for there, here in zip(await in_processes(60)(documents), await normalise(documents), strict=True):
        if isinstance(here, BadInputError) or isinstance(there, BadInputError):
            assert there == here
        else:
            assert (there.article, there.said) == (here.article, here.said)
            assert there.text is not None
            assert here.text is not None
            assert there.text.bands == here.text.bands


async def test_a_document_that_ends_its_process_costs_no_other(
    in_processes: Callable[[float], Normaliser], monkeypatch: pytest.MonkeyPatch
) -> None:
    normaliser = in_processes(60)
    documents = [document(key="a"), _Deadly("test", "b", "b", b""), document(key="c")]
    others = [document(key=str(number)) for number in range(5)]
    found, beside = await asyncio.gather(normaliser(documents), normaliser(others))
    assert [isinstance(each, BadInputError) for each in found] == [False, True, False]
    assert not any(isinstance(each, BadInputError) for each in beside)
    assert not any(isinstance(each, BadInputError) for each in await normaliser(others))


async def test_a_document_that_never_ends_costs_no_other(in_processes: Callable[[float], Normaliser]) -> None:
    normaliser = in_processes(60)
    await normaliser([document()])  # imports take their time
    normaliser = in_processes(3)
    found = await normaliser([document(key="a"), _Endless("test", "b", "b", b"")])
    assert [isinstance(each, BadInputError) for each in found] == [False, True]
    assert "took 3 s" in str(found[1])


class _Deadly(RawDocument):
    """Ends the process that looks at it."""

    def __getattribute__(self, name: str) -> object:
        if name == "content":
            os._exit(9)
        return super().__getattribute__(name)


class _Endless(RawDocument):
    """Keeps the process that looks at it."""

    def __getattribute__(self, name: str) -> object:
        while name == "content":
            pass
        return super().__getattribute__(name)
