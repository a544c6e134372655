"""The rights of `shared.rights`, set in Kafka; and what Kafka refuses, told by the right that is missing."""

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from shared.errors import PermanentError, TransientError
from shared.rights import Grant
from shared.settings import BrokerSettings

_KINDS: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional id": ResourceType.TRANSACTIONAL_ID,
}
_HELP: Final = {
    KafkaError.SECURITY_DISABLED: "the brokers have no authorizer: set authorizer.class.name, see docs/security.md",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user may not alter ACLs: log in as a super user of the brokers, "
    "see STANCE_KAFKA_SASL_USERNAME",
}
_DENIED: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "a right on a topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "Read on its consumer group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "Write on its transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "a right on the cluster",
}


def grant(settings: BrokerSettings, client: AdminClient, grants: Sequence[Grant]) -> None:
    """Set these ACLs; those that are there stay. Raises PermanentError if that can't be, TransientError if not now."""
    bindings = [_binding(settings, each) for each in grants]
    for result in client.create_acls(bindings, request_timeout=settings.kafka_timeout_seconds).values():
        try:
            result.result()
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() in _HELP:
                raise PermanentError(f"ACLs can't be set: {_HELP[reason.code()]}") from error
            raise TransientError(f"ACLs can't be set: {reason.str()}") from error


def told(settings: BrokerSettings, error: KafkaException) -> str:
    """What Kafka says; if a right is missing, also whose it is and how it is given."""
    reason: KafkaError = error.args[0]
    lacking = _DENIED.get(reason.code())
    if lacking is None:
        return reason.str()
    user = f"user {settings.kafka_sasl_username!r}" if settings.sasl else "this client"
    return f"{reason.str()}: {user} lacks {lacking}; see `stance-service topics --acls` and docs/security.md"


def _binding(settings: BrokerSettings, each: Grant) -> AclBinding:
    return AclBinding(
        _KINDS[each.kind],
        settings.kafka_topic_prefix + each.name,
        ResourcePatternType.PREFIXED if each.prefixed else ResourcePatternType.LITERAL,
        f"User:{each.user}",
        "*",
        AclOperation[each.operation.upper()],
        AclPermissionType.ALLOW,
    )
