"""`stance-service alert` in a process of its own, between a real broker and a real receiver."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared import broker
from shared.cloudevents import to_kafka
from shared.events import StanceChange
from shared.settings import BrokerSettings
from shared.topics import CHANGES
from stance_service.alerts.subscriber import begin
from tests.alerting.changes import change
from tests.alerting.receiver import Receiver, receiving
from tests.broker.topic_io import DEADLINE, progress_of, read, wait_until_read, write
from tests.ingest_process import environment

pytestmark = pytest.mark.broker
RULES = """
channels:
  here: {{kind: webhook, url: "{url}", secret_file: "{secret}"}}
rules:
  - {{name: turns, kinds: [shift], channels: [here]}}
"""
NOWHERE = "channels: {here: {kind: alertmanager, url: 'http://127.0.0.1:1'}}"


@pytest.fixture
def settings(kafka: BrokerSettings, tmp_path: Path) -> BrokerSettings:
    """With a folder of the test's own, as each alert worker has."""
    return kafka.model_copy(update={"data_dir": tmp_path})


def announce(settings: BrokerSettings, *changes: StanceChange) -> None:
    producer = broker.producer(settings)
    for each in changes:
        key, headers, value = to_kafka(each)
        producer.produce(settings.topic(CHANGES), value, key, headers=headers)
    assert producer.flush(DEADLINE) == 0


def command(rules: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "stance_service", "alert", str(rules), *options]


@asynccontextmanager
async def alerting(settings: BrokerSettings, receiver: Receiver) -> AsyncIterator[None]:
    """A worker that tells a receiver of shifts."""
    (settings.data_dir / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    async with worker(settings, RULES.format(url=receiver.url, secret=settings.data_dir / "secret")):
        yield


@asynccontextmanager
async def worker(settings: BrokerSettings, text: str) -> AsyncIterator[None]:
    """One with a file of rules, that runs until the end of the block and then has to end well."""
    rules = settings.data_dir / "rules.yaml"
    rules.write_text(text)
    variables = environment(settings, STANCE_ALERT_START="beginning", STANCE_ALERT_FIRST_PAUSE_SECONDS="0.1")
    process = await asyncio.create_subprocess_exec(*command(rules, "--member", "0"), env=variables)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), DEADLINE) == 0
    finally:
        if process.returncode is None:
            process.kill()


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


def told(receiver: Receiver) -> list[str]:
    return [each.headers["webhook-id"] for each in receiver.received]


async def test_wanted_changes_are_told_once_over_failures_bad_records_and_restarts(settings: BrokerSettings) -> None:
    first, unwanted, second = change("first"), change("unwanted", "established"), change("second")
    async with receiving(500) as receiver:
        announce(settings, first, unwanted)
        write(settings, CHANGES, [("openai", "no change")])
        async with alerting(settings, receiver):
            await until(lambda: len(told(receiver)) == 2)
            assert await asyncio.to_thread(wait_until_read, settings, "alert", CHANGES)
        announce(settings, second)
        async with alerting(settings, receiver):
            await until(lambda: len(told(receiver)) == 3)
            assert await asyncio.to_thread(wait_until_read, settings, "alert", CHANGES)
    assert told(receiver) == [first.id, first.id, second.id], "the first attempt was answered 500"
    assert [each.value for each in read(settings, CHANGES.dead)] == [b"no change"]


def test_a_new_group_begins_with_the_next_change_and_then_keeps_its_place(settings: BrokerSettings) -> None:
    announce(settings, change("past"))
    begin(settings, "now")
    with progress_of(settings, "alert", CHANGES) as all_read:
        assert all_read()
        announce(settings, change("next"))
        begin(settings, "now")
        assert not all_read()


def test_past_changes_are_shown_by_rule_and_nothing_is_sent(settings: BrokerSettings) -> None:
    rules = settings.data_dir / "rules.yaml"
    rules.write_text(f"{NOWHERE}\nrules: [{{name: turns, kinds: [shift], channels: [here]}}]")
    announce(settings, change("first"), change("second", "established"))

    def shown(*options: str) -> str:
        variables = environment(settings) | {"COLUMNS": "200"}
        return subprocess.run(
            command(rules, "--check", *options),
            env=variables,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE,
        ).stdout

    assert "turns: 1 of 2 changes → here" in shown("--since", "2016")
    assert "openai, openness: for openness → against openness from 2020-09-22 (shift, 97%)" in shown()
    assert "turns: 0 of 0 changes" in shown("--since", "2021")


def test_a_check_warns_of_an_actor_that_nobody_knows_and_goes_on(settings: BrokerSettings) -> None:
    rules = settings.data_dir / "rules.yaml"
    rules.write_text(f"{NOWHERE}\nrules: [{{name: turns, actors: [opnai], channels: [here]}}]")
    announce(settings, change())
    ended = subprocess.run(
        command(rules, "--check"),
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert (ended.returncode, "turns: 0 of 1 changes" in ended.stdout) == (0, True), ended.stderr
    assert "warning: rule turns: actor opnai is neither in the registry nor in any change" in ended.stderr
    assert "openai" in ended.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "2016"], "--since says which past changes --check shows"),
        (["--check", "--since", "soon"], "--since: 'soon' is no EDTF date"),
        (["--enable", "there"], "--enable there: there is no such channel; allowed are here"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: list[str], said: str) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"{NOWHERE}\nrules: [{{name: all, channels: [here]}}]")
    variables = os.environ | {"STANCE_DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        command(rules, *options), env=variables, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
