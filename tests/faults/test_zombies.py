"""Workers that stop for so long that others do their work, and then go on."""

import pytest

from tests.faults.conftest import WAIT_SECONDS, Scene
from tests.faults.load import Load
from tests.faults.proxy import Request
from tests.faults.verdict import verify

pytestmark = [pytest.mark.faults, pytest.mark.broker]


@pytest.mark.parametrize("successor", ["of the same name", "of another name"])
@pytest.mark.parametrize("step", [Request.PRODUCE, Request.TXN_OFFSET_COMMIT, Request.END_TXN])
def test_a_zombie_in_mid_transaction_ends_and_commits_nothing(scene: Scene, step: Request, successor: str) -> None:
    zombie = scene.crew.start("w0", scene.proxied)
    with Load(scene.settings, scene.seed) as load:
        scene.crew.wait_for_progress()
        reached, release = scene.proxy.hold(step)
        assert reached.wait(WAIT_SECONDS), f"no {step.name} came"
        zombie.pause()
        scene.crew.start("w0" if successor == "of the same name" else "w1")
        scene.crew.wait_for_progress()
        zombie.resume()
        release.set()
        scene.crew.working.remove(zombie)
        zombie.wait_for_exit()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")


def test_a_zombie_that_slept_between_transactions_harms_nothing(scene: Scene) -> None:
    zombie = scene.crew.start("w0")
    with Load(scene.settings, scene.seed) as load:
        scene.crew.wait_for_progress()
        zombie.pause()
        scene.crew.start("w1")
        scene.crew.wait_for_progress()
        zombie.resume()
        scene.crew.wait_for_progress()
        sent = load.stop()
    scene.crew.settle()
    verify(scene.settings, sent, f"seed {scene.seed}, {sent} observations")
