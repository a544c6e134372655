"""What a running process tells orchestrators and Prometheus."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from shared.errors import PermanentError
from shared.health import Checks, Progress, Readiness, probe, serving_health
from shared.observability import RECORDS
from shared.settings import HealthSettings


class Clock:
    """Shows what it is told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness() -> Readiness:
    return Readiness("no partitions are assigned yet")


@pytest.fixture
def settings() -> HealthSettings:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return HealthSettings(health_port=free.getsockname()[1])


@pytest.fixture
def address(settings: HealthSettings, clock: Clock, readiness: Readiness) -> Iterator[str]:
    checks = Checks(live={"loop": Progress("the loop", 60, clock)}, ready={"partitions": readiness})
    with serving_health(settings, checks) as address:
        assert address is not None
        yield address


def test_a_loop_that_comes_round_is_alive_and_one_that_stopped_is_not(clock: Clock) -> None:
    progress = Progress("the loop", 60, clock)
    clock.now += 60
    assert progress.alive()
    clock.now += 1
    assert not progress.alive()
    assert progress() == "the loop made no progress for 61 s; 60 s are allowed"
    progress.beat()
    assert (progress.alive(), progress.age(), progress()) == (True, 0, None)


def test_health_fails_with_the_reason_while_a_loop_does_not_come_round(address: str, clock: Clock) -> None:
    assert httpx2.get(f"{address}/healthz").json() == {"ok": True, "checks": {"loop": "ok"}}
    clock.now += 75
    answer = httpx2.get(f"{address}/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "checks": {"loop": "the loop made no progress for 75 s; 60 s are allowed"}}
    assert httpx2.get(f"{address}/readyz").status_code == 503


def test_a_process_is_ready_once_it_waits_for_nothing(address: str, readiness: Readiness) -> None:
    answer = httpx2.get(f"{address}/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"loop": "ok", "partitions": "no partitions are assigned yet"}
    assert httpx2.get(f"{address}/healthz").status_code == 200
    readiness.missing = None
    assert httpx2.get(f"{address}/readyz").status_code == 200


def test_metrics_are_told_in_the_format_of_prometheus(address: str) -> None:
    RECORDS.labels("told.v1", "observed").inc(3)
    assert 'stance_records_total{outcome="observed",topic="told.v1"} 3.0' in httpx2.get(f"{address}/metrics").text


def test_other_paths_and_methods_are_refused(address: str) -> None:
    assert httpx2.get(f"{address}/").status_code == 404
    assert httpx2.post(f"{address}/metrics").status_code == 405


def test_a_client_that_sends_nothing_keeps_nobody_else_waiting(address: str, settings: HealthSettings) -> None:
    with socket.create_connection(("127.0.0.1", settings.health_port or 0)):
        assert httpx2.get(f"{address}/healthz").status_code == 200


def test_without_a_port_nothing_listens() -> None:
    with serving_health(HealthSettings(), Checks()) as address:
        assert address is None
    with pytest.raises(PermanentError, match="STANCE_HEALTH_PORT is not set"):
        probe(HealthSettings())


def test_a_port_that_is_taken_is_named(address: str, settings: HealthSettings) -> None:
    with pytest.raises(PermanentError, match=f"STANCE_HEALTH_PORT={settings.health_port}: can't listen there"):
        with serving_health(settings, Checks()):
            pass


@pytest.mark.usefixtures("address")
def test_the_probe_fails_with_what_the_process_says(
    settings: HealthSettings, clock: Clock, readiness: Readiness
) -> None:
    probe(settings)
    with pytest.raises(PermanentError, match="no partitions are assigned yet"):
        probe(settings, ready=True)
    readiness.missing = None
    probe(settings, ready=True)
    clock.now += 61
    with pytest.raises(PermanentError) as failed:
        probe(settings)
    assert json.loads(str(failed.value))["checks"] == {"loop": "the loop made no progress for 61 s; 60 s are allowed"}


def test_the_probe_fails_when_nobody_answers(settings: HealthSettings) -> None:
    with pytest.raises(PermanentError, match=f"nothing answers at 127.0.0.1:{settings.health_port}/healthz"):
        probe(settings)


def test_a_process_that_listens_everywhere_is_probed_at_home(settings: HealthSettings) -> None:
    everywhere = settings.model_copy(update={"health_host": "0.0.0.0"})
    with serving_health(everywhere, Checks()):
        probe(everywhere)
