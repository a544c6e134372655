"""The embedded broker: shared, restarted, stopped; nothing stays behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.broker import consumer, create_topics, producer, running
from shared.embedded import embedded_broker, stop
from shared.errors import BrokerUnavailableError
from shared.settings import BrokerSettings
from shared.topics import ARTICLES

HOLD = """
import sys, pathlib
from shared.embedded import embedded_broker
with embedded_broker(pathlib.Path(sys.argv[1])) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that uses the folder's broker until its standard input ends, and the address it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def answers(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def gone(address: str, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while answers(address):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_processes_with_one_folder_share_one_broker(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as ours:
        other, theirs = hold(tmp_path)
        assert theirs == ours
        other.communicate(timeout=30)
        assert answers(ours)
    assert not answers(ours)


def test_the_one_who_started_it_may_leave_first(tmp_path: Path) -> None:
    starter, address = hold(tmp_path)
    with embedded_broker(tmp_path) as ours:
        starter.communicate(timeout=30)
        assert ours == address
        assert answers(address)
    assert not answers(address)


def test_folders_have_brokers_of_their_own(tmp_path: Path) -> None:
    with embedded_broker(tmp_path / "a") as a, embedded_broker(tmp_path / "b") as b:
        assert a != b


def test_records_survive_a_restart(tmp_path: Path) -> None:
    settings = BrokerSettings(data_dir=tmp_path, kafka_bootstrap_servers="")
    with running(settings) as reachable:
        writer = producer(reachable)
        writer.produce(ARTICLES.name, b"value", b"key")
        assert writer.flush(10) == 0
    with running(settings) as reachable:
        reader = consumer(reachable, "test")
        reader.subscribe([ARTICLES.name])
        message = reader.poll(20)
        reader.close()
    assert message is not None
    assert (message.key(), message.value()) == (b"key", b"value")


def test_a_user_killed_without_warning_leaves_no_broker_behind(tmp_path: Path) -> None:
    process, address = hold(tmp_path)
    process.kill()
    process.communicate()
    assert gone(address)


def test_a_supervisor_killed_without_warning_leaves_no_broker_behind(tmp_path: Path) -> None:
    process, address = hold(tmp_path)
    os.kill(json.loads((tmp_path / "broker.json").read_text())["pid"], signal.SIGKILL)
    assert gone(address)
    process.communicate(timeout=30)
    with embedded_broker(tmp_path) as again:
        assert answers(again)


def test_a_broker_can_be_stopped_under_its_users(tmp_path: Path) -> None:
    process, address = hold(tmp_path)
    stop(tmp_path)
    assert not answers(address)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_stopping_where_nothing_runs_does_nothing(tmp_path: Path) -> None:
    stop(tmp_path)


def test_a_broker_that_cannot_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "kafka.json").write_text("no snapshot")
    with pytest.raises(BrokerUnavailableError, match=r"snapshot.*STANCE_DATA_DIR.*STANCE_KAFKA_BOOTSTRAP_SERVERS"):
        with embedded_broker(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerUnavailableError, match=str(tmp_path / "file")):
        with embedded_broker(tmp_path / "file" / "data"):
            pass


def test_a_kafka_that_does_not_answer_is_named() -> None:
    settings = BrokerSettings(kafka_bootstrap_servers="127.0.0.1:1", kafka_timeout_seconds=1)
    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1.*STANCE_KAFKA_BOOTSTRAP_SERVERS"):
        with running(settings):
            pass


def test_topics_that_exist_are_left_alone(kafka: BrokerSettings) -> None:
    create_topics(kafka)
    create_topics(kafka)
