"""The same on the embedded broker, as far as it goes: it never misses a dead member, so each comes back by its name."""

import time
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from shared.broker import create_topics, running
from shared.settings import BrokerSettings
from shared.topics import TOPICS
from tests.faults.conftest import ROUNDS
from tests.faults.load import Load
from tests.faults.verdict import verify
from tests.faults.workers import Crew

pytestmark = [pytest.mark.faults, pytest.mark.broker]


def test_a_worker_killed_at_random_moments_leaves_nothing_out_and_nothing_twice(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    with running(BrokerSettings(kafka_bootstrap_servers="", data_dir=tmp_path / "data")) as reachable:
        settings = reachable.model_copy(update={"kafka_topic_prefix": f"t{uuid4().hex[:8]}."})
        create_topics(settings, TOPICS)
        with Crew(settings, tmp_path) as crew, Load(settings, seed) as load:
            worker = crew.start("w0")
            for _ in range(ROUNDS // 10):
                crew.wait_for_progress()
                time.sleep(random.uniform(0, 0.5))
                worker = crew.replace(worker)
            sent = load.stop()
            crew.settle()
        verify(settings, sent, f"seed {seed}, {sent} observations")
