"""FastStream's clients with the defaults of `broker`. Apart: who does without them doesn't wait for their libraries."""

import logging
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.settings import CLIENT_ID, BrokerSettings
from shared.tls import ssl_context
from shared.topics import MAX_RECORD_BYTES


def faststream_broker(settings: BrokerSettings, **options: Any) -> KafkaBroker:
    """A FastStream broker whose handlers acknowledge themselves (FastStream's default is before handling)."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=CLIENT_ID,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        compression_type="gzip",
        max_request_size=MAX_RECORD_BYTES,
        request_timeout_ms=int(settings.kafka_timeout_seconds * 1000),
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        logger=logging.getLogger("aiokafka.faststream"),  # its own has a handler and form of its own
        security=_security(settings),
        **options,
    )


def faststream_reader(settings: BrokerSettings, group: str, member: str | None = None) -> dict[str, Any]:
    """Options of a FastStream subscriber that reads as `consumer` does; it starts where the group has committed."""
    session_ms, heartbeat_ms = settings.session_ms
    return {
        "group_id": settings.kafka_topic_prefix + group,
        "group_instance_id": None if member is None else f"{settings.kafka_topic_prefix}{group}-{member}",
        "isolation_level": "read_committed",
        "auto_offset_reset": "earliest",
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": heartbeat_ms,
        "max_partition_fetch_bytes": MAX_RECORD_BYTES,
    }


def _security(settings: BrokerSettings) -> BaseSecurity | None:
    context = ssl_context(settings) if settings.tls else None
    if not settings.sasl:
        return BaseSecurity(ssl_context=context, use_ssl=True) if settings.tls else None
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return kinds[settings.kafka_sasl_mechanism](
        username=settings.kafka_sasl_username,
        password=settings.sasl_password,
        ssl_context=context,
        use_ssl=settings.tls,
    )
