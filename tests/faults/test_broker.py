"""The broker dies, hangs, or cannot be reached."""

import os
import time
from random import Random

import pytest

from tests.faults.conftest import ROUNDS, Scene
from tests.faults.load import Load
from tests.faults.proxy import Request
from tests.faults.verdict import verify

pytestmark = [pytest.mark.faults, pytest.mark.broker]

OUTAGE_SECONDS = float(os.environ.get("STANCE_FAULT_OUTAGE", "35"))
"""Longer than any timeout of the workers, see `conftest.scene`."""


def test_a_broker_killed_and_restarted_under_load_loses_nothing(scene: Scene) -> None:
    random = Random(scene.seed)
    for number in range(2):
        scene.crew.start(f"w{number}")
    with Load(scene.settings, scene.seed) as load:
        for _ in range(max(1, ROUNDS // 50)):
            scene.crew.wait_for_progress()
            time.sleep(random.uniform(0, 1))
            scene.kafka.restart()
            scene.crew.wait_for_progress()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def test_a_broker_that_hangs_for_longer_than_anyone_waits_loses_nothing(scene: Scene) -> None:
    for number in range(2):
        scene.crew.start(f"w{number}")
    with Load(scene.settings, scene.seed) as load:
        scene.crew.wait_for_progress()
        scene.kafka.pause()
        try:
            time.sleep(OUTAGE_SECONDS)
        finally:
            scene.kafka.resume()
        scene.crew.wait_for_progress()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def test_workers_cut_off_from_the_broker_lose_their_work_to_others_and_return(scene: Scene) -> None:
    for number in range(2):
        scene.crew.start(f"w{number}", scene.proxied)
    with Load(scene.settings, scene.seed) as load:
        scene.crew.wait_for_progress()
        scene.proxy.cut()
        scene.crew.start("w2")
        scene.crew.wait_for_progress()
        time.sleep(OUTAGE_SECONDS)
        scene.proxy.heal()
        scene.crew.wait_for_progress()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def test_a_worker_that_is_not_told_its_offsets_ends_and_says_so(scene: Scene) -> None:
    scene.proxy.trap(Request.OFFSET_FETCH, lambda _deliver: None)
    worker = scene.crew.start("w0", scene.proxied.model_copy(update={"kafka_timeout_seconds": 5}))
    assert "committed offsets: Local: Timed out" in worker.wait_for_exit()
