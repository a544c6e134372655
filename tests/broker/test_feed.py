"""The history as it is fed from a real broker."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shared import topics
from shared.broker import create_topics
from shared.by_hand import park_by_hand
from shared.errors import PermanentError
from shared.events import StanceChange
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.history import History
from stance_service.history.feed import Feed
from stance_service.publishing import GROUP
from tests.broker.test_transactions import expected, history, tracking, worker_environment
from tests.broker.topic_io import DEADLINE, publish, read, wait_until_read, write
from tests.stances import observation, withdrawal

pytestmark = pytest.mark.broker


def track_all(kafka: BrokerSettings) -> None:
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)


def by_actor(changes: list[StanceChange]) -> dict[str, list[StanceChange]]:
    found: dict[str, list[StanceChange]] = {}
    for change in changes:
        found.setdefault(change.actor, []).append(change)
    return found


def test_the_store_holds_what_the_topics_hold_however_often_it_is_fed(kafka: BrokerSettings, tmp_path: Path) -> None:
    records = history(200)
    store = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    for part in (records[:120], records[120:], []):
        publish(kafka, part)
        track_all(kafka)
        Feed(kafka, store).catch_up()
    assert by_actor(store.changes()) == expected(records)
    for known in store.timelines():
        assert store.timelines(known.actor, known.axis, known.recorded_at) == [known]
    store.close()


def test_a_store_that_follows_is_up_to_date_soon(kafka: BrokerSettings, tmp_path: Path) -> None:
    store = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    stop = threading.Event()
    progress, readiness = Progress("history", 60), Readiness("the store is being brought up to date")
    feeding = threading.Thread(target=Feed(kafka, store, sparing=True).follow, args=[stop.is_set, progress, readiness])
    feeding.start()
    try:
        publish(kafka, [observation()])
        track_all(kafka)
        deadline = time.monotonic() + DEADLINE
        while not (store.changes() and store.timelines()):
            assert time.monotonic() < deadline
        assert readiness.missing is None
    finally:
        stop.set()
        feeding.join(DEADLINE)
        store.close()


def test_a_store_from_another_cluster_is_rebuilt(kafka: BrokerSettings, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    store = History(url)
    publish(kafka, [observation(article=str(n)) for n in range(3)])
    Feed(kafka, store).catch_up()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("update progress set next_offset = 1000")
    Feed(kafka, store).catch_up()
    assert len(store.records()["openai"]) == 3
    assert max(store.progress().values()) == 3
    store.close()


def test_a_change_that_is_none_of_ours_stops_the_feed_where_it_lies(kafka: BrokerSettings) -> None:
    write(kafka, topics.CHANGES, [("openai", "{}")])
    store = History("sqlite://", Parameters())
    with pytest.raises(PermanentError, match=r"stance\.changes\.v1, partition \d, offset 0: .*no CloudEvent"):
        Feed(kafka, store).catch_up()
    store.close()


def test_a_record_that_was_taken_out_by_hand_is_left_out_of_the_history(kafka: BrokerSettings) -> None:
    create_topics(kafka, [topics.OBSERVATIONS.dead])
    publish(kafka, [observation(article="before")])
    write(kafka, topics.OBSERVATIONS, [("openai", "no observation")])
    publish(kafka, [observation(article="after")])
    bad = next(each for each in read(kafka, topics.OBSERVATIONS) if each.value == b"no observation")
    store = History("sqlite://", Parameters())
    with pytest.raises(
        PermanentError, match=rf"dead-letters park stance\.observations\.v1 {bad.partition} {bad.offset}"
    ):
        Feed(kafka, store).catch_up()
    park_by_hand(kafka, topics.OBSERVATIONS, bad.partition, bad.offset, reason="a test", by="ada", service="test")
    Feed(kafka, store).catch_up()
    assert len(store.records()["openai"]) == 2
    store.close()


def test_the_commands_show_what_was_tracked(kafka: BrokerSettings, tmp_path: Path) -> None:
    publish(kafka, [observation(-1, "2016-05", article="old"), observation(+1), withdrawal("a")])
    track_all(kafka)

    def shown(*arguments: str) -> str:
        command = [sys.executable, "-m", "stance_service", *arguments]
        environment = {**worker_environment(kafka), "STANCE_DATA_DIR": str(tmp_path), "COLUMNS": "160"}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert "2016-05 – 2021-07-21  against openness" in shown("timeline", "OpenAI")
    assert "unclear" in shown("timeline", "--as-of", "2022-01-01")
    assert shown("timeline", "--known-at", "2024-01-01") == (
        "Nothing was known of anybody at 2024-01-01 23:59:59 UTC: the first record was read at "
        "2024-06-01 12:00:00 UTC.\n"
    )
    both = shown("timeline", "openai", "--as-of", "2020-01-01", "--known-at", "2024-06-02")
    assert "As of 2020-01-01 00:00:00 UTC, as known at 2024-06-02 23:59:59 UTC: 3 records of 2 articles" in both
    assert "against openness" in both
    assert shown("timeline", "Nobody") == "Nothing is known of nobody.\n"
    assert shown("timeline", "openai", "--axis", "profit") == "Nothing is known.\n"
    assert "3. revision" in shown("changes")
    kinds = [StanceChange.model_validate_json(line).kind.value for line in shown("changes", "--json").splitlines()]
    assert kinds == ["established", "shift", "revision"]
