"""What the store answers, and that repeats and crashes change nothing: in SQLite and in PostgreSQL."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import IntegrityError

from shared.errors import PermanentError, TransientError
from shared.events import Timeline
from stance_service.history import Entry, History, database
from tests.history_entries import entries, published
from tests.kafka.apache import free_port
from tests.postgres.choice import NoPostgresError, postgres
from tests.postgres.schemas import schema
from tests.stances import NOON, later, observation, withdrawal

OPEN = observation(+1, "2016-05-01", article="old", observed_at=later(1))
CLOSED = observation(-1, "2022-05-01", article="new", observed_at=later(2))
GONE = withdrawal("new", observed_at=later(3))


Open = Callable[[], History]
"""Another connection to the same store."""


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, str]]:
    """Address and password of the PostgreSQL that `tests.postgres.choice` finds."""
    try:
        with postgres() as found:
            yield found
    except NoPostgresError:
        pytest.skip("there is no PostgreSQL here, see above")


@pytest.fixture(params=["sqlite", "postgresql"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "sqlite":
        yield lambda: History(f"sqlite:///{tmp_path / 'history.sqlite'}")
        return
    address, password = request.getfixturevalue("server")
    with schema(address, password) as url:
        yield lambda: History(url, password=password)


@pytest.fixture
def history(connect: Open) -> Iterator[History]:
    store = connect()
    yield store
    store.close()


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def polarity(history: History, held_at: str, known_at: datetime | None = None) -> int | None:
    position = history.position("openai", "openness", day(held_at), known_at)
    return position.polarity if position else None


def test_a_position_is_found_by_when_it_was_held_and_when_that_was_known(history: History) -> None:
    history.write(published([OPEN, CLOSED, GONE]))
    assert [polarity(history, "2022-06-01", later(n)) for n in range(5)] == [None, None, -1, None, None]
    assert [polarity(history, "2017-06-01", later(n)) for n in range(5)] == [None, 1, 1, 1, 1]
    assert polarity(history, "2015-01-01") is None


def test_what_is_known_now_is_what_was_published_last(history: History) -> None:
    history.write(published([OPEN, CLOSED]))
    (now,) = history.timelines("openai")
    assert now == history.timelines("openai", known_at=now.recorded_at)[0]
    assert history.timelines("openai", "profit") == history.timelines("meta") == []


def test_a_timeline_that_lost_all_its_evidence_is_gone(history: History) -> None:
    history.write(published([CLOSED, GONE]))
    assert history.timelines() == []
    assert history.timelines(known_at=later(2)) != []


def test_repeats_change_nothing(history: History) -> None:
    once = published([OPEN, CLOSED])
    history.write(once)
    before = history.timelines(), history.changes(), history.records(), history.progress()
    history.write(once)
    history.write(entries("observations", [OPEN], start=2))
    assert (history.timelines(), history.changes(), history.records()) == before[:3]
    assert history.progress() == {**before[3], ("observations", 0): 3}


def test_a_batch_is_stored_whole_or_not_at_all(history: History) -> None:
    batch = published([OPEN])
    broken = Entry(replace(batch[-1].record, written_at_ms=None), batch[-1].event)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        history.write([*batch[:-1], broken])
    assert (history.progress(), history.records(), history.timelines()) == ({}, {}, [])
    history.write(batch)
    assert len(history.changes()) == 1


def test_records_of_one_instant_are_known_one_after_the_other(history: History) -> None:
    history.write(entries("observations", [observation(article=str(n)) for n in range(3)]))
    tick = timedelta(microseconds=1)
    assert [len(history.records(known_at=NOON + n * tick).get("openai", [])) for n in range(-1, 4)] == [0, 1, 2, 3, 3]


def test_changes_come_in_the_order_in_which_they_were_announced(history: History) -> None:
    history.write(published([OPEN, CLOSED, GONE]))
    assert [change.kind.value for change in history.changes()] == ["established", "shift", "revision"]
    assert len(history.changes("openai", "openness", known_at=later(2))) == 2
    assert history.changes("meta") == history.changes(axis="profit") == []


def test_a_store_can_be_emptied_and_filled_again(history: History) -> None:
    all_of_it = published([OPEN, CLOSED])
    history.write(all_of_it)
    before: list[Timeline] = history.timelines()
    history.clear()
    assert (history.timelines(), history.progress()) == ([], {})
    history.write(all_of_it)
    assert history.timelines() == before


def test_two_processes_may_feed_one_store(history: History, connect: Open) -> None:
    other = connect()
    all_of_it = published([OPEN, CLOSED, GONE])
    history.write(all_of_it[:2])
    other.write(all_of_it)
    history.write(all_of_it)
    assert len(other.records()["openai"]) == 3
    assert [change.kind.value for change in other.changes()] == ["established", "shift", "revision"]
    other.close()


def test_it_is_told_when_the_first_and_the_last_record_of_an_actor_were_read(history: History) -> None:
    assert history.recorded() is None
    history.write(published([OPEN, CLOSED, GONE]))
    assert history.recorded("openai") == history.recorded() == (later(1), later(3))
    assert history.recorded("meta") is None


def test_processes_that_begin_at_once_make_one_store(connect: Open) -> None:
    with ThreadPoolExecutor(8) as threads:
        stores = [each.result() for each in [threads.submit(connect) for _ in range(8)]]
    all_of_it = published([OPEN, CLOSED])
    with ThreadPoolExecutor(8) as threads:
        for written in [threads.submit(store.write, all_of_it) for store in stores]:
            written.result()
    assert len(stores[0].records()["openai"]) == 2
    for store in stores:
        store.close()


def set_version(history: History, number: int) -> None:
    with history._engine.begin() as connection:
        connection.execute(update(database._version).values(number=number))


def test_a_store_of_an_older_version_is_made_anew(history: History, connect: Open) -> None:
    history.write(published([OPEN]))
    set_version(history, database.VERSION - 1)
    newer = connect()
    assert (newer.records(), newer.progress()) == ({}, {})
    newer.write(published([OPEN]))
    newer.close()
    again = connect()
    assert len(again.records()["openai"]) == 1
    again.close()


def test_a_store_of_a_newer_version_is_left_alone(history: History, connect: Open) -> None:
    history.write(published([OPEN]))
    set_version(history, database.VERSION + 1)
    with pytest.raises(PermanentError, match=r"STANCE_HISTORY_URL=.*version 2, this program knows 1"):
        connect()
    assert len(history.records()["openai"]) == 1


def test_a_wrong_password_is_told_without_it(server: tuple[str, str]) -> None:
    address, _ = server
    with pytest.raises(TransientError, match=r"STANCE_HISTORY_URL=postgresql.*password.*failed") as told:
        History(address, password="not-this-one")
    assert "not-this-one" not in str(told.value)


def test_a_postgresql_that_is_not_there_is_named() -> None:
    with pytest.raises(TransientError, match=r"STANCE_HISTORY_URL=postgresql.*refused"):
        History(f"postgresql://stance@127.0.0.1:{free_port()}/stance")


@pytest.mark.parametrize("url", ["mysql://host/db", "history.sqlite"])
def test_an_address_of_no_such_store_is_refused(url: str) -> None:
    with pytest.raises(PermanentError, match=r"STANCE_HISTORY_URL.*allowed are sqlite"):
        History(url)


def test_a_store_without_room_is_named(tmp_path: Path) -> None:
    store = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    event.listen(store._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))
    store.close()
    with pytest.raises(TransientError, match=r"history\.sqlite: database or disk is full\..*has room"):
        store.write(entries("observations", [observation(article=str(n)) for n in range(500)]))
    store.close()
