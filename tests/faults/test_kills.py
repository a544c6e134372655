"""Workers die by SIGKILL: at random moments, and at each step of a transaction."""

import time
from collections.abc import Callable
from itertools import product
from random import Random

import pytest

from tests.faults.conftest import ROUNDS, WAIT_SECONDS, Scene
from tests.faults.load import Load
from tests.faults.proxy import Request
from tests.faults.verdict import verify

pytestmark = [pytest.mark.faults, pytest.mark.broker]


@pytest.mark.parametrize("workers", [1, 3])
def test_undisturbed_workers_publish_what_the_fold_says(scene: Scene, workers: int) -> None:
    for number in range(workers):
        scene.crew.start(f"w{number}")
    with Load(scene.settings, scene.seed) as load:
        load.wait_until_sent(1000)
        sent = load.stop()
    scene.crew.settle()
    assert scene.crew.last_words == []
    verify(scene.settings, sent, f"nothing, seed {scene.seed}")


@pytest.mark.parametrize(("workers", "rounds"), [(1, ROUNDS // 5), (3, ROUNDS * 4 // 5)])
def test_workers_killed_at_random_moments_leave_nothing_out_and_nothing_twice(
    scene: Scene, workers: int, rounds: int
) -> None:
    random, story = Random(scene.seed), list[str]()
    crew = [scene.crew.start(f"w{number}") for number in range(workers)]
    with Load(scene.settings, scene.seed) as load:
        for _ in range(rounds):
            at_work, pause, victim = random.random() < 0.7, random.uniform(0, 1), random.randrange(workers)
            if at_work:  # else it may still be starting
                scene.crew.wait_for_progress()
            time.sleep(pause)
            crew[victim] = scene.crew.replace(crew[victim])
            story.append(f"w{victim}{' at work' if at_work else ''} after {pause:.3f} s")
        sent = load.stop()
    scene.crew.settle()
    assert scene.crew.last_words == []
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations, kills: {', '.join(story)}")


def test_nameless_workers_killed_are_missed_and_their_work_is_taken_over(scene: Scene) -> None:
    random = Random(scene.seed)
    for _ in range(2):
        scene.crew.start(None)
    with Load(scene.settings, scene.seed) as load:
        for _ in range(ROUNDS // 20):
            scene.crew.wait_for_progress()
            time.sleep(random.uniform(0, 1))
            scene.crew.replace(random.choice(scene.crew.working))
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def test_a_worker_killed_at_any_step_leaves_nothing_out_and_nothing_twice(scene: Scene) -> None:
    worker = scene.crew.start("w0", scene.proxied)
    with Load(scene.settings, scene.seed) as load:
        for step, delivered in product(Request, (False, True)):
            if step is Request.INIT_PRODUCER_ID:
                worker = scene.crew.replace(worker)
            struck = scene.proxy.trap(step, _killing(worker.kill, delivered=delivered))
            assert struck.wait(WAIT_SECONDS), f"no {step.name} came"
            worker = scene.crew.replace(worker)
        sent = load.stop()
    scene.crew.settle()
    assert scene.crew.last_words == []
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def _killing(kill: Callable[[], None], *, delivered: bool) -> Callable[[Callable[[], None]], None]:
    def strike(deliver: Callable[[], None]) -> None:
        if delivered:
            deliver()
        kill()

    return strike
