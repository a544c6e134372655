"""The `observe` loop on Kafka: a batch is judged in a thread while the group is served.

So a slow model holds up neither the group's rebalances nor a stop; offsets are committed when a batch is published.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared import access, broker, topics
from shared.dead_letters import Record
from shared.errors import TransientError
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS
from stance_service.observer import Observer
from stance_service.polling import Poller

GROUP: Final = "observe"
BATCH: Final = 32
FINISH_SECONDS: Final = 6.0
"""What a batch has to be finished in when the worker is asked to stop; supervisors kill after 10 s."""
_PREFETCH: Final = {"queued.max.messages.kbytes": 4096}  # refetched after every batch
_MOVED_ON: Final = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
)

_log = logging.getLogger(__name__)


class ObserveLoop:
    """One worker. `member` and `sparing` are as in `transactions.TransactionalLoop`."""

    def __init__(
        self,
        settings: BrokerSettings,
        observer: Observer,
        progress: Progress,
        readiness: Readiness,
        member: str | None = None,
        *,
        sparing: bool = False,
    ) -> None:
        self._settings = settings
        self._topic = settings.topic(topics.ARTICLES)
        self._observer = observer
        self._progress = progress
        self._readiness = readiness
        self._consumer = broker.consumer(settings, GROUP, member=member, options=TELL_ENDS | _PREFETCH)
        self._poller = Poller(self._consumer, sparing=sparing)
        self._thread = ThreadPoolExecutor(1, "observe")
        self._waiting: list[Record] = []

    def run(self, stopping: Callable[[], bool]) -> None:
        """Works until `stopping()`; the thread of a batch that was given up then still runs.

        Raises StanceError for what a supervisor or an operator has to see.
        """
        try:
            self._consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked)
            while not stopping():
                self._progress.beat()
                records, self._waiting = self._waiting or self._poller.poll(BATCH), []
                if records:
                    self._observe(records, stopping)
        except KafkaException as error:
            raise TransientError(f"observing stopped: {access.told(self._settings, error)}") from error
        finally:
            self._consumer.close()

    def _observe(self, records: list[Record], stopping: Callable[[], bool]) -> None:
        """Returns once the batch is published and committed, or there is no time left for it."""
        batch = self._thread.submit(self._observer.handle, records)
        if not self._finished(batch, stopping):
            _log.warning("gave up a batch of %d, which will be read again", len(records))
            return
        batch.result()
        self._commit(records)

    def _finished(self, batch: Future[None], stopping: Callable[[], bool]) -> bool:
        give_up_at = None
        while not batch.done():
            self._waiting += self._poller.hold()
            if give_up_at is None and stopping():
                give_up_at = time.monotonic() + FINISH_SECONDS
            if give_up_at is not None and time.monotonic() > give_up_at:
                return False
        return True

    def _commit(self, records: list[Record]) -> None:
        """What was given up meanwhile is read again by whoever has it now, which changes nothing."""
        ours = {each.partition for each in self._consumer.assignment()}
        done = {each.partition: each.offset + 1 for each in records if each.partition in ours}
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in done.items()]
        try:
            if offsets:
                self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in _MOVED_ON:
                raise
            _log.warning("a batch was not committed and will be read again: %s", error.args[0].str())

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _log.info("assigned partitions %s of %s", sorted(each.partition for each in partitions), self._topic)
        self._readiness.missing = None

    def _revoked(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._waiting = []
        self._readiness.missing = "partitions are being shared out anew"
