"""When sources are polled, what they remember, and that one leaves the others alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.configuration import AnyEntry, Configuration, FilesEntry, Interval
from ingest_service.memory import SourceMemory, polled
from ingest_service.normalising import Normalised, normalised
from ingest_service.outbox import Outbox
from ingest_service.polling import Polled, Poller
from ingest_service.publish import Publishing, Remember
from ingest_service.roster import Roster
from ingest_service.schedule import due, next_interval
from ingest_service.sources import NOT_BEFORE, Found, Memory, RawDocument
from ingest_service.sources.files import FileSource
from ingest_service.sources.watched import watched
from ingest_service.state import Round, State
from shared.errors import BadInputError, TransientError
from tests.documents import READ_AT, document
from tests.topics import MemoryTopic

HOUR = timedelta(hours=1)
EVERY = Interval(least=timedelta(minutes=1), most=HOUR)
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=9))


class Script:
    """A source that does as told in each of its rounds."""

    name = "script"

    def __init__(self, *rounds: Callable[[Memory], Sequence[Found | Exception]]) -> None:
        self._rounds = iter(rounds)

    async def poll(self, memory: Memory) -> AsyncIterator[Found]:
        for each in next(self._rounds)(memory):
            if isinstance(each, Exception) and not isinstance(each, BadInputError):
                raise each
            yield each


async def normalise(documents: Sequence[RawDocument]) -> list[Normalised]:
    return [normalised(each, READ_AT) for each in documents]


@pytest.fixture
def topic() -> MemoryTopic:
    return MemoryTopic()


async def rounds(topic: MemoryTopic, state: State, source: Script, count: int) -> list[Round]:
    """So many rounds of a source."""
    done: list[Round] = []
    async with Outbox(Publishing(state, topic, lambda: READ_AT)) as outbox:
        poller = Poller(
            Polled(source.name, EVERY, lambda memory: polled(source, memory)),
            outbox=outbox,
            state=state,
            normalise=normalise,
            clock=lambda: READ_AT,
            turns=asyncio.Semaphore(1),
        )
        for _ in range(count):
            done.append(await poller.poll(done[-1] if done else None))
    return done


@given(last=st.none() | intervals, news=st.booleans(), failed=st.booleans(), least=intervals, more=intervals)
def test_intervals_stay_within_bounds(
    last: timedelta | None, news: bool, failed: bool, least: timedelta, more: timedelta
) -> None:
    bounds = Interval(least=least, most=least + more)
    assert bounds.least <= next_interval(last, bounds, news=news, failed=failed) <= bounds.most


def test_news_shorten_the_interval_and_silence_and_failures_lengthen_it() -> None:
    last = timedelta(minutes=20)
    assert next_interval(last, EVERY, news=True, failed=False) < last
    silent = next_interval(last, EVERY, news=False, failed=False)
    assert last < silent < next_interval(last, EVERY, news=True, failed=True)


@given(st.floats(0, 1), st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_source_is_not_polled_before_it_wants_to_be(jitter: float, wish: timedelta) -> None:
    at = due(READ_AT, HOUR, jitter, READ_AT + wish)
    assert at >= READ_AT + wish
    assert abs(due(READ_AT, HOUR, jitter, None) - READ_AT - HOUR) <= HOUR / 10


async def test_a_round_is_on_record_with_what_it_brought_and_when_the_next_is_due(topic: MemoryTopic) -> None:
    wish = READ_AT + 2 * HOUR

    def first(memory: Memory) -> list[Found | Exception]:
        memory.put(NOT_BEFORE, wish.isoformat())
        return [document(key="a"), document(b"", key="empty")]

    state = State(None)
    [done] = await rounds(topic, state, Script(first), 1)
    assert (done.published, done.rejected, done.error, done.due_at) == (1, 1, None, wish)
    assert state.rounds("script") == [done]


async def test_a_source_that_fails_keeps_what_it_found_and_remembers_before(topic: MemoryTopic) -> None:
    def first(memory: Memory) -> list[Found | Exception]:
        memory.put("seen", "a")
        return [document(key="a"), TransientError("it is down")]

    def second(memory: Memory) -> list[Found | Exception]:
        assert memory.get("seen") == "a"
        return [RuntimeError("a bug")]

    state = State(None)
    failed, buggy = await rounds(topic, state, Script(first, second), 2)
    assert (failed.published, failed.error) == (1, "it is down")
    assert buggy.error == "RuntimeError: a bug"
    assert len(topic.events) == 1


async def test_what_is_remembered_comes_after_what_it_is_about() -> None:
    found = [document(key="a"), document(key="b")]

    class Careful:
        name = "careful"

        async def poll(self, memory: Memory) -> AsyncIterator[Found]:
            for each in found:
                yield each
                memory.put("seen", each.key)

    batches = [list(batch) async for batch in polled(Careful(), SourceMemory("careful", {}))]
    seen_a, seen_b = (Remember("careful", "seen", key) for key in "ab")
    assert batches == [[found[0]], [seen_a, found[1]], [seen_b]]


async def test_a_folder_is_read_again_only_when_something_has_changed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    kept: dict[str, str] = {}

    async def read() -> int:
        memory = SourceMemory("folder", kept)
        found = [each async for batch in watched(FileSource(tmp_path), memory) for each in batch]
        kept.update({each.key: each.value for each in found if isinstance(each, Remember)})
        return sum(isinstance(each, RawDocument) for each in found)

    assert [await read(), await read()] == [1, 0]
    (tmp_path / "b.txt").write_text("b")
    assert [await read(), await read()] == [2, 0]


async def test_only_sources_that_changed_are_started_anew() -> None:
    started: list[str] = []

    class Idle:
        def __init__(self, name: str) -> None:
            self._name = name

        async def run(self) -> None:
            started.append(self._name)
            await asyncio.Event().wait()

    def entry(name: str, path: str = ".") -> AnyEntry:
        return FilesEntry(name=name, kind="files", path=Path(path))

    async with Roster(lambda each: Idle(each.name)) as roster:
        for sources in ([entry("a"), entry("b")], [entry("a"), entry("b", "other")], [entry("b", "other"), entry("c")]):
            await roster.follow(Configuration(sources=tuple(sources)))
            await asyncio.sleep(0)
    assert sorted(started) == ["a", "b", "b", "c"]


async def test_a_source_that_is_not_due_is_left_alone_after_a_restart(topic: MemoryTopic) -> None:
    state = State(None)
    now = datetime.now(UTC)
    state.ended(Round("script", now, now + HOUR, HOUR))
    async with Outbox(Publishing(state, topic, lambda: READ_AT)) as outbox:
        source = Script()
        poller = Poller(
            Polled("script", EVERY, lambda memory: polled(source, memory)),
            outbox=outbox,
            state=state,
            normalise=normalise,
            clock=lambda: datetime.now(UTC),
            turns=asyncio.Semaphore(1),
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(poller.run(), 0.2)
    assert len(state.rounds("script")) == 1
