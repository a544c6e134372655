"""A record that nobody can read."""

import os
import shlex
import subprocess
import sys

import pytest

from shared import broker, topics
from shared.settings import BrokerSettings
from tests.faults.conftest import WAIT_SECONDS, Scene
from tests.faults.load import ACTORS, Load
from tests.faults.verdict import verify
from tests.faults.workers import environment

pytestmark = [pytest.mark.faults, pytest.mark.broker]


def poison(settings: BrokerSettings) -> tuple[int, int]:
    """Partition and offset of an unreadable observation among the others."""
    places: list[tuple[int, int]] = []
    producer = broker.producer(settings)
    producer.produce(
        settings.topic(topics.OBSERVATIONS),
        b'{"type": "observation", "actor',
        ACTORS[0].encode(),
        on_delivery=lambda _error, message: places.append((message.partition() or 0, message.offset() or 0)),
    )
    assert producer.flush(WAIT_SECONDS) == 0
    return places[0]


def park(settings: BrokerSettings, advice: str) -> None:
    """Does what the tracker's last words say, as an operator does."""
    command = advice.partition("taken out: ")[2].replace("NAME", "tester").replace("WHY", "'cut short'")
    program, *arguments = shlex.split(command)
    assert program == "stance-service"
    subprocess.run(
        [sys.executable, "-m", "stance_service", *arguments],
        env=os.environ | environment(settings),
        check=True,
        timeout=WAIT_SECONDS,
    )


def test_a_poisoned_record_stops_the_tracker_until_an_operator_parks_it(scene: Scene) -> None:
    scene.crew.start("w0")
    with Load(scene.settings, scene.seed) as load:
        scene.crew.wait_for_progress()
        place = poison(scene.settings)
        said = scene.crew.working[0].wait_for_exit()
        assert f"{scene.settings.topic(topics.OBSERVATIONS)}, partition {place[0]}, offset {place[1]}: " in said
        scene.crew.revive()
        assert scene.crew.working[0].wait_for_exit() == said
        park(scene.settings, said)
        scene.crew.revive()
        scene.crew.wait_for_progress()
        sent = load.stop() + 1
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, poison at {place}", parked={place})
