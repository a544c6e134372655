"""A tracker whose coordinators are still being set up, load or move: it waits, and says what for."""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from shared import workers
from stance_service import publishing
from stance_service.belief import Parameters
from stance_service.transactions import TransactionalLoop
from tests.broker.test_transactions import tracking, wait_for_a_share
from tests.faults.proxy import Request
from tests.kafka.mock import MockKafka, library, mock_kafka

pytestmark = pytest.mark.broker

TIMES = 4
PASSING = pytest.mark.parametrize(
    "error",
    [
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    ],
)


@pytest.fixture
def mock() -> Iterator[MockKafka]:
    if (found := library()) is None:
        pytest.skip("confluent-kafka has its librdkafka linked in, its mock cluster can't be reached")
    with mock_kafka(found) as kafka:
        yield kafka


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "ATTEMPT_SECONDS", 0.2)
    monkeypatch.setattr(workers, "PAUSE_SECONDS", (0.1,))


@PASSING
def test_a_coordinator_of_transactions_is_waited_for(
    mock: MockKafka, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    mock.refuse(Request.INIT_PRODUCER_ID, error, TIMES)
    with tracking(mock.settings) as worker:
        wait_for_a_share(worker)
    reason = f"Failed to initialize Producer ID: {KafkaError(error).str()}"
    assert f"Kafka begins no transactions yet: {reason}. Trying again in 0 s." in caplog.text


@PASSING
def test_a_coordinator_of_the_group_is_asked_again(mock: MockKafka, error: int) -> None:
    mock.refuse(Request.OFFSET_FETCH, error, TIMES)
    with tracking(mock.settings) as worker:
        wait_for_a_share(worker)


def test_asked_to_stop_while_it_waits_it_ends_without_error(mock: MockKafka) -> None:
    mock.refuse(Request.INIT_PRODUCER_ID, KafkaError.NOT_COORDINATOR, 1000)
    with pytest.raises(SystemExit) as ended:
        TransactionalLoop(mock.settings, Parameters(), "0").run(lambda: True)
    assert ended.value.code == 0
