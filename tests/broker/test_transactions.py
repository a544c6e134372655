"""The tracker on a real broker: what it publishes, and what is left of it when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from random import Random

import pytest
from prometheus_client import REGISTRY

from shared import topics
from shared.broker import create_topics
from shared.by_hand import park_by_hand
from shared.chain import Heads
from shared.cloudevents import from_kafka
from shared.dead_letters import Record, parked, parked_by_hand
from shared.events import ChangeKind, Observation, StanceChange, Withdrawal
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.publishing import GROUP
from stance_service.restore import UnreadableObservationError, restore
from stance_service.tracker import Tracker
from stance_service.transactions import TransactionalLoop
from tests.broker.topic_io import DEADLINE, progress_of, publish, read, wait_until_read, write
from tests.stances import later, observation, withdrawal

pytestmark = pytest.mark.broker


def history(length: int, seed: int = 7) -> list[Observation | Withdrawal]:
    """Positions that turn now and then, late news and retractions, of eight actors."""
    random = Random(seed)
    found: list[Observation | Withdrawal] = []
    for n in range(length):
        actor = f"actor-{random.randrange(8)}"
        if random.random() < 0.05:
            found.append(withdrawal(f"article {random.randrange(n + 1)}", actor=actor, observed_at=later(n)))
            continue
        year = random.randrange(2010, 2024)
        found.append(
            observation(
                1 if (year // 4 + len(actor)) % 2 or random.random() < 0.2 else -1,
                f"{year}-{random.randrange(1, 13):02}",
                article=f"article {n}",
                actor=actor,
                confidence=random.choice([0.6, 0.8, 0.95]),
                observed_at=later(n),
            )
        )
    return found


def expected(records: list[Observation | Withdrawal]) -> dict[str, list[StanceChange]]:
    """What an undisturbed tracker announces, by actor."""
    by_actor: dict[str, list[StanceChange]] = defaultdict(list)
    for change in Heads().link(Tracker(Parameters()).apply(records).changes):
        by_actor[change.actor].append(change)
    return by_actor


def announced(records: list[Record]) -> dict[str, list[StanceChange]]:
    by_actor: dict[str, list[StanceChange]] = defaultdict(list)
    for record in records:
        change = from_kafka(record.headers, record.value)
        by_actor[change.actor].append(change)
    return by_actor


def latest(records: list[Record]) -> dict[str, bytes | None]:
    return {(record.key or b"").decode(): record.value for record in records}


@contextmanager
def tracking(
    settings: BrokerSettings,
    member: str = "0",
    axes: Collection[str] | None = None,
    parameters: Parameters | None = None,
) -> Iterator[TransactionalLoop]:
    """A worker in a thread; what ended it is raised here."""
    loop = TransactionalLoop(settings, parameters or Parameters(), member, axes=axes, sparing=True)
    stop = threading.Event()
    problems: list[Exception] = []

    def work() -> None:
        try:
            loop.run(stop.is_set)
        except Exception as problem:
            problems.append(problem)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield loop
    finally:
        stop.set()
        worker.join(60)
    if problems:
        raise problems[0]


def wait_for_a_share(worker: TransactionalLoop) -> None:
    """The embedded broker never ends a rebalance that a member left in the middle."""
    deadline = time.monotonic() + DEADLINE
    while not worker.partitions:
        assert time.monotonic() < deadline, "the worker was given no partitions"


def test_positions_and_changes_are_those_of_the_fold(kafka: BrokerSettings) -> None:
    records = history(300)
    publish(kafka, records)
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert announced(read(kafka, topics.CHANGES)) == expected(records)
    whole = Tracker(Parameters()).apply(records)
    keys = {f"{actor}/{axis}": known for (actor, axis), known in whole.timelines.items()}
    assert latest(read(kafka, topics.POSITIONS)) == keys


def test_a_restarted_tracker_goes_on_where_it_was_and_announces_nothing_twice(kafka: BrokerSettings) -> None:
    records = history(240)
    for part in (records[:100], [], records[100:180], records[180:]):
        publish(kafka, part)
        with tracking(kafka):
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert announced(read(kafka, topics.CHANGES)) == expected(records)


def test_a_worker_asked_to_stop_does_not_wait_until_all_is_restored(
    kafka: BrokerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = history(200)
    publish(kafka, records[:100])
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    asked = threading.Event()

    def begun(
        settings: BrokerSettings,
        trackers: Mapping[int, Tracker],
        positions: Mapping[int, int],
        beat: Callable[[], None],
    ) -> None:
        asked.set()
        restore(settings, trackers, positions, beat)

    monkeypatch.setattr("stance_service.transactions.restore", begun)
    finished = REGISTRY.get_sample_value("stance_track_restore_seconds_count")
    TransactionalLoop(kafka, Parameters(), "0", sparing=True).run(asked.is_set)
    assert REGISTRY.get_sample_value("stance_track_restore_seconds_count") == finished
    monkeypatch.undo()
    publish(kafka, records[100:])
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert announced(read(kafka, topics.CHANGES)) == expected(records)


def test_two_workers_share_the_work_and_one_takes_over_from_the_other(kafka: BrokerSettings) -> None:
    records = history(300)
    with tracking(kafka, "0"):
        publish(kafka, records[:100])
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
        with tracking(kafka, "1") as other:
            publish(kafka, records[100:200])
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
            wait_for_a_share(other)
        with tracking(kafka, "1") as other:
            wait_for_a_share(other)
            publish(kafka, records[200:])
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert announced(read(kafka, topics.CHANGES)) == expected(records)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("openai", "{", "Invalid JSON"),
        ("openai", '{"type": "observation"}', "Field required"),
        ("meta", observation().model_dump_json(), "its key is b'meta', its actor 'openai'"),
    ],
)
def test_an_unreadable_observation_stops_the_tracker_where_it_lies(
    kafka: BrokerSettings, key: str, value: str, reason: str
) -> None:
    write(kafka, topics.OBSERVATIONS, [(key, value)])
    deadline = time.monotonic() + DEADLINE
    with pytest.raises(UnreadableObservationError, match=reason) as problem:
        TransactionalLoop(kafka, Parameters(), "0").run(lambda: time.monotonic() > deadline)
    assert problem.value.offset == 0
    assert kafka.topic(topics.OBSERVATIONS) in str(problem.value)
    with progress_of(kafka, GROUP, topics.OBSERVATIONS) as all_read:
        assert not all_read()


def test_what_can_not_be_true_is_parked_with_the_rest_of_its_transaction_and_left_out_ever_after(
    kafka: BrokerSettings,
) -> None:
    impossible = [observation(-1, published="1066-10-14"), observation(-1, axis="weather", article="b")]
    create_topics(kafka, [topics.OBSERVATIONS.dead])
    publish(kafka, [observation(+1, "2020-03-01"), *impossible])
    with tracking(kafka, axes=("openness", "profit")):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    letters = [each.letter for each in parked(kafka, topics.OBSERVATIONS)]
    assert [letter.record.value for letter in letters] == [each.model_dump_json().encode() for each in impossible]
    assert [letter.reason.split(":")[0] for letter in letters] == ["published_at", "axis"]
    assert not parked_by_hand(kafka, topics.OBSERVATIONS)
    publish(kafka, [observation(-1, "2023-09-01", article="c", confidence=0.95)])
    with tracking(kafka, axes=("openness", "profit", "weather")):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    changes = announced(read(kafka, topics.CHANGES))["openai"]
    assert [change.kind for change in changes] == [ChangeKind.ESTABLISHED, ChangeKind.SHIFT]
    assert [known for known in latest(read(kafka, topics.POSITIONS)) if "weather" in known] == []


def test_a_record_that_an_operator_took_out_is_passed_over(kafka: BrokerSettings) -> None:
    create_topics(kafka, [topics.OBSERVATIONS.dead])
    write(kafka, topics.OBSERVATIONS, [("openai", "{")])
    publish(kafka, [observation()])
    with pytest.raises(UnreadableObservationError) as problem, tracking(kafka):
        wait_until_read(kafka, GROUP, topics.OBSERVATIONS, seconds=5)
    place = problem.value.partition, problem.value.offset
    park_by_hand(kafka, topics.OBSERVATIONS, *place, reason="cut short", by="an operator", service="a test")
    for _ in range(2):  # the second knows it from a restart
        with tracking(kafka):
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert [change.kind for change in announced(read(kafka, topics.CHANGES))["openai"]] == [ChangeKind.ESTABLISHED]


def worker_environment(settings: BrokerSettings) -> dict[str, str]:
    addresses = {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
    }
    return {**os.environ, **addresses}


def worker_process(settings: BrokerSettings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stance_service", "track", "--member", "0"]
    return subprocess.Popen(command, env=worker_environment(settings), stdin=subprocess.DEVNULL)


def test_a_killed_tracker_leaves_nothing_out_and_nothing_twice(kafka: BrokerSettings) -> None:
    random, records = Random(1), history(1200)
    *parts, rest = [records[start : start + 200] for start in range(0, len(records), 200)]
    for part in parts:
        process = worker_process(kafka)
        publish(kafka, part)
        wait_until_read(kafka, GROUP, topics.OBSERVATIONS, seconds=random.uniform(0.5, 2.5))
        process.kill()
        process.wait(DEADLINE)
    process = worker_process(kafka)
    publish(kafka, rest)
    assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert announced(read(kafka, topics.CHANGES)) == expected(records)
    whole = Tracker(Parameters()).apply(records)
    keys = {f"{actor}/{axis}": known for (actor, axis), known in whole.timelines.items()}
    assert latest(read(kafka, topics.POSITIONS)) == keys
