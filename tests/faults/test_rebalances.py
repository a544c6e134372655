"""Workers join and leave while another is in the middle of a transaction."""

from random import Random

import pytest

from tests.faults.conftest import ROUNDS, WAIT_SECONDS, Scene
from tests.faults.load import Load
from tests.faults.proxy import Request
from tests.faults.verdict import verify
from tests.faults.workers import Worker

pytestmark = [pytest.mark.faults, pytest.mark.broker]

GUESTS = 3


def test_members_that_come_and_go_in_mid_transaction_change_nothing(scene: Scene) -> None:
    random, story = Random(scene.seed), list[str]()
    guests: list[Worker] = []
    scene.crew.start("host", scene.proxied)
    with Load(scene.settings, scene.seed) as load:
        for _ in range(ROUNDS // 10):
            step = random.choice([Request.PRODUCE, Request.TXN_OFFSET_COMMIT, Request.END_TXN])
            reached, release = scene.proxy.hold(step)
            assert reached.wait(WAIT_SECONDS), f"no {step.name} came"
            if len(guests) == GUESTS or (guests and random.random() < 0.5):
                scene.crew.dismiss(guests.pop(random.randrange(len(guests))))
                story.append(f"one left at {step.name}")
            else:
                guests.append(scene.crew.start(None))
                scene.crew.wait_for_rebalance()
                story.append(f"one joined at {step.name}")
            release.set()
            scene.crew.wait_for_progress()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations: {', '.join(story)}")
