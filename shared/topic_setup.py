"""Kafka reached, and its topics there as they have to be; otherwise what is wrong and what would be right.

Asked with confluent-kafka, which says why it gets no answer; topics are made with kafka-python, see `shared.admin`.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ResourceType

from shared import admin
from shared.errors import BrokerUnavailableError, PermanentError
from shared.settings import BrokerSettings
from shared.topics import Topic

_ASK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.1
_REFUSED: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL})
_AT_LEAST: Final = frozenset({"retention.ms", "retention.bytes", "max.message.bytes"})

_log = logging.getLogger(__name__)


class TopicSetup:
    """Creates and verifies topics. `configuration` is librdkafka's; `seconds`: how long Kafka may take to answer."""

    def __init__(self, settings: BrokerSettings, configuration: Mapping[str, Any], seconds: float) -> None:
        self._settings = settings
        self._seconds = seconds
        self._heard: list[KafkaError] = []
        client: dict[str, Any] = {**configuration, "error_cb": self._heard.append}
        self._client = AdminClient(client)

    def ensure(self, topics: Sequence[Topic]) -> None:
        """Create the topics that don't exist yet; existing ones stay as their operator configured them.

        Raises BrokerUnavailableError if Kafka does not answer in time, PermanentError if it refuses us or a topic is
        not as it has to be.
        """
        existing = self._metadata().topics
        self._create([topic for topic in topics if self._settings.topic(topic) not in existing])
        wrong = [*self._wrong_partitions(topics), *self._wrong_configuration(topics)]
        if wrong:
            raise PermanentError(
                f"topics are not as they have to be: {'; '.join(wrong)}. Change them with kafka-configs.sh --alter "
                "(a number of partitions: see STANCE_KAFKA_PARTITIONS), then start again."
            )

    def _metadata(self) -> ClusterMetadata:
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                return self._client.list_topics(timeout=_ASK_SECONDS)
            except KafkaException as error:
                self._client.poll(_POLL_SECONDS)  # what the client heard says more than what it raises
                self._give_up(error, time.monotonic() > deadline)

    def _give_up(self, error: KafkaException, too_late: bool) -> None:
        reasons = [each for each in self._heard if each.code() != KafkaError._ALL_BROKERS_DOWN]
        at = f"Kafka at {self._settings.kafka_bootstrap_servers}"
        for each in reasons:
            if each.code() in _REFUSED:
                raise PermanentError(
                    f"{at} refuses us: {each.str()}. Check STANCE_KAFKA_SECURITY_PROTOCOL, the STANCE_KAFKA_SASL_ "
                    "settings (mechanism, user, password) and the STANCE_KAFKA_SSL_ files."
                ) from error
        if too_late:
            reason = (reasons[-1] if reasons else error.args[0]).str()
            raise BrokerUnavailableError(
                f"{at} does not answer: {reason}. Check STANCE_KAFKA_BOOTSTRAP_SERVERS, "
                "STANCE_KAFKA_SECURITY_PROTOCOL, and whether Kafka runs."
            ) from error

    def _create(self, missing: Sequence[Topic]) -> None:
        if not missing:
            return
        admin.create(self._settings, missing, self._seconds)
        names = [self._settings.topic(topic) for topic in missing]
        deadline = time.monotonic() + self._seconds
        while not self._led(names):
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"{', '.join(names)}: made, but without leaders; is a broker down?")
            time.sleep(_POLL_SECONDS)

    def _led(self, names: Iterable[str]) -> bool:
        known = self._metadata().topics
        return all(
            name in known and known[name].partitions and all(p.leader >= 0 for p in known[name].partitions.values())
            for name in names
        )

    def _wrong_partitions(self, topics: Sequence[Topic]) -> Iterator[str]:
        known = self._metadata().topics
        for topic in topics:
            name, right = self._settings.topic(topic), self._settings.partitions(topic)
            found = len(known[name].partitions) if name in known else right
            if found != right:
                yield f"{name} has {found} partitions and must have {right}"

    def _wrong_configuration(self, topics: Sequence[Topic]) -> Iterator[str]:
        by_name = {self._settings.topic(topic): topic for topic in topics}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in by_name]
        for resource, result in (self._client.describe_configs(resources) if resources else {}).items():
            try:
                entries = result.result(self._seconds)
            except KafkaException as error:
                _log.info("the configuration of %s can't be verified: %s", resource.name, error.args[0].str())
                continue
            found = {name: entry.value for name, entry in entries.items()}
            yield from (f"{resource.name}: {each}" for each in differences(by_name[resource.name], found))


def differences(topic: Topic, found: Mapping[str, str | None]) -> list[str]:
    """What has to be changed in a topic's configuration; more room or a longer retention than ours is fine."""
    return [
        f"{name} is {found[name]} and must be {right}{' or more' if name in _AT_LEAST and right != '-1' else ''}"
        for name, right in topic.config.items()
        if found.get(name) is not None and not _suffices(name, str(found[name]), right)
    ]


def _suffices(name: str, found: str, right: str) -> bool:
    if name not in _AT_LEAST:
        return found == right
    return found in {right, "-1"} or (right != "-1" and int(found) >= int(right))
