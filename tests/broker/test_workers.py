"""A long-running command waits for Kafka, and says what for."""

import pytest

from shared import workers
from shared.errors import PermanentError
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings
from shared.topics import ARTICLES
from shared.workers import connected
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ATTEMPT_SECONDS", 0.5)
    monkeypatch.setattr(workers, "PAUSE_SECONDS", (0.1,))


def test_it_waits_until_kafka_answers_alive_but_not_ready(
    kafka: BrokerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    progress, readiness = Progress("test", 60), Readiness("starting")
    waited_for: list[str | None] = []
    with Proxy(int(kafka.kafka_bootstrap_servers.rpartition(":")[2])) as proxy:
        settings = kafka.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{proxy.port}"})
        proxy.cut()

        def asked() -> bool:  # while it waits
            waited_for.append(readiness.missing)
            proxy.heal()
            return False

        with connected(settings, progress, readiness, asked) as reachable:
            assert reachable == settings
            assert readiness.missing == "Kafka gave no partitions yet"
    assert set(waited_for) == {"Kafka does not answer"}
    assert progress.alive()
    assert f"Kafka at 127.0.0.1:{proxy.port} does not answer" in caplog.text
    assert "Trying again in 0 s." in caplog.text


def test_asked_to_stop_while_it_waits_it_ends_without_error() -> None:
    settings = BrokerSettings(kafka_bootstrap_servers="127.0.0.1:1")
    with pytest.raises(SystemExit) as ended, connected(settings, Progress("test", 60), Readiness(""), lambda: True):
        pass
    assert ended.value.code == 0


def test_what_waiting_cannot_mend_ends_it_at_once(kafka: BrokerSettings) -> None:
    settings = kafka.model_copy(update={"kafka_partitions": 7})
    with pytest.raises(PermanentError, match=f"{kafka.topic(ARTICLES)} has 6 partitions and must have 7"):
        with connected(settings, Progress("test", 60), Readiness(""), lambda: False):
            pass
