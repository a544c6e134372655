"""Topics made by kafka-python's admin client, and its errors told by what to do about them."""

import logging
from collections.abc import Sequence
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError, NoError, TopicAlreadyExistsError, for_code

from shared.errors import BrokerUnavailableError, PermanentError
from shared.settings import CLIENT_ID, BrokerSettings
from shared.tls import ssl_context
from shared.topics import Topic

_log = logging.getLogger(__name__)


def create(settings: BrokerSettings, topics: Sequence[Topic], seconds: float) -> None:
    """Create topics in a Kafka that answers, see `shared.topic_setup`; those that exist by now are left alone.

    Raises BrokerUnavailableError if trying again may help, PermanentError if not. The topics may not have leaders yet.
    """
    wanted = {
        settings.topic(topic): {
            "num_partitions": settings.partitions(topic),
            "replication_factor": settings.kafka_replication_factor,
            "configs": topic.config,
        }
        for topic in topics
    }
    try:
        with KafkaAdminClient(**_configuration(settings, seconds)) as client:
            answer = client.create_topics(wanted, raise_errors=False)
    except (KafkaError, OSError, RuntimeError) as error:  # RuntimeError: no controller is active
        raise BrokerUnavailableError(
            f"{', '.join(wanted)} can't be created: {error or type(error).__name__}. Is a broker down?"
        ) from error
    for made in answer["topics"]:
        _judge(settings, made["name"], for_code(made["error_code"])(made["error_message"]))


def _judge(settings: BrokerSettings, name: str, outcome: KafkaError) -> None:
    if isinstance(outcome, NoError):
        return
    if isinstance(outcome, TopicAlreadyExistsError):
        _log.info("another process made %s at the same time", name)
        return
    if isinstance(outcome, AuthorizationError):
        user = f"user {settings.kafka_sasl_username!r}" if settings.sasl else "this client"
        raise PermanentError(
            f"topic {name}: {user} may neither see nor create it. Give the user Describe and the "
            "operations it needs on the topic, and if it does not exist create it, see docs/topics.md."
        ) from outcome
    kind = BrokerUnavailableError if outcome.retriable else PermanentError
    raise kind(
        f"topic {name} can't be created: {outcome}. Create it as in docs/topics.md, or see "
        "STANCE_KAFKA_PARTITIONS and STANCE_KAFKA_REPLICATION_FACTOR."
    ) from outcome


def _configuration(settings: BrokerSettings, seconds: float) -> dict[str, Any]:
    milliseconds = int(seconds * 1000)
    configuration: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "client_id": CLIENT_ID,
        "bootstrap_timeout_ms": milliseconds,
        "request_timeout_ms": milliseconds,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.tls:
        configuration["ssl_context"] = ssl_context(settings)
    if settings.sasl:
        configuration |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.sasl_password,
        }
    return configuration
