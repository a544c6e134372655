"""Kafka clients with our defaults; nothing here connects before it is called.

Defaults that matter: all readers are `read_committed` and never commit by themselves; all writers are idempotent with
`acks=all`; all clients place a key on the partition that Java clients would, so that one key stays in one partition
whichever client writes it; records may have up to `topics.MAX_RECORD_BYTES`.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from shared.embedded import embedded_broker
from shared.settings import CLIENT_ID, BrokerSettings
from shared.topic_setup import TopicSetup
from shared.topics import ALL_TOPICS, MAX_RECORD_BYTES, Topic

T = TypeVar("T")
_log = logging.getLogger(__name__)

_MOVING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""What a broker answers for a moment after a partition or group was made or changed its leader."""
_ASK_AGAIN_SECONDS = 0.2
_FULL_SECONDS = 0.2


@contextmanager
def running(settings: BrokerSettings, *, seconds: float | None = None) -> Iterator[BrokerSettings]:
    """The settings with an address that answers and all topics created.

    Without an address, the embedded broker of `data_dir` is joined or started, and left again at the end. `seconds`:
    how long to try, instead of STANCE_KAFKA_TIMEOUT_SECONDS.
    """
    if settings.embedded:
        with embedded_broker(settings.data_dir / "broker") as address:
            reachable = settings.model_copy(update={"kafka_bootstrap_servers": address})
            create_topics(reachable)
            yield reachable
    else:
        create_topics(settings, seconds=seconds)
        yield settings


def create_topics(
    settings: BrokerSettings, topics: Sequence[Topic] = ALL_TOPICS, *, seconds: float | None = None
) -> None:
    """See `topic_setup.TopicSetup.ensure`; `seconds` instead of STANCE_KAFKA_TIMEOUT_SECONDS."""
    TopicSetup(settings, _librdkafka(settings), seconds or settings.kafka_timeout_seconds).ensure(topics)


def producer(settings: BrokerSettings, *, transactional_id: str | None = None) -> Producer:
    """A synchronous producer; with an id, a transactional one (call `init_transactions` first)."""
    config = _librdkafka(settings) | {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "compression.type": "lz4",
        "message.max.bytes": MAX_RECORD_BYTES,
        "partitioner": "murmur2_random",
    }
    if transactional_id is not None:
        config["transactional.id"] = settings.kafka_topic_prefix + transactional_id
        # Who takes over waits for the transaction of a worker that died: it has to end before that patience does.
        config["transaction.timeout.ms"] = max(1000, int(settings.kafka_timeout_seconds * 1000) // 2)
    return Producer(config)


def produce(producer: Producer, topic: str, **record: Any) -> None:
    """Hands a record over; waits while the client's queue is full."""
    while True:
        try:
            producer.produce(topic, **record)
        except BufferError:
            producer.poll(_FULL_SECONDS)
        else:
            return


def consumer(
    settings: BrokerSettings, group: str, *, member: str | None = None, options: Mapping[str, object] | None = None
) -> Consumer:
    """A synchronous consumer that starts at the beginning and commits nothing by itself.

    `member` makes the membership static: a restarted member takes its partitions over at once. Set it wherever the
    embedded broker may be used, which never expires dead members. `options` are librdkafka's own.
    """
    session_ms, heartbeat_ms = settings.session_ms
    defaults = _librdkafka(settings) | {
        "group.id": settings.kafka_topic_prefix + group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": heartbeat_ms,
        "fetch.message.max.bytes": MAX_RECORD_BYTES,
        "receive.message.max.bytes": 1_000_000_000,  # the embedded broker ignores the limits of a fetch
    }
    if member is not None:
        defaults["group.instance.id"] = f"{settings.kafka_topic_prefix}{group}-{member}"
    return Consumer(defaults | dict(options or {}))


def watermarks(consumer: Consumer, place: TopicPartition, seconds: float) -> tuple[int, int]:
    """The first offset of a partition and the next one to be written; KafkaException if nobody knows in time."""
    known = _asked(lambda left: consumer.get_watermark_offsets(place, left, cached=False), seconds)
    if known is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    return known


def partition_of(key: bytes, count: int) -> int:
    """Where all our clients, and Java's, place a key on a topic of so many partitions."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % count


def committed(consumer: Consumer, places: list[TopicPartition], seconds: float) -> list[TopicPartition]:
    """How far the consumer's group is, a negative offset if nobody knows; KafkaException if there is no answer."""
    found = _asked(lambda left: consumer.committed(places, left), seconds)
    for each in found:
        if each.error is not None:
            raise KafkaException(each.error)
    return found


def commit_start(reader: Consumer, topic: str, seconds: float, *, at_end: bool) -> None:
    """Commit where the reader's group begins, on those partitions of a topic where it has committed nothing yet.

    Only for a group without members, whose first member is about to join.
    """
    partitions = reader.list_topics(topic, seconds).topics[topic].partitions
    places = [TopicPartition(topic, number) for number in partitions]
    try:
        known = committed(reader, places, seconds)
    except KafkaException as error:
        heard = reader.poll(0)  # what the client was told says more than that it has no answer
        if heard is not None and (reason := heard.error()) is not None:
            raise KafkaException(reason) from error
        raise
    fresh = [place for place in known if place.offset < 0]
    for place in fresh:
        place.offset = watermarks(reader, place, seconds)[int(at_end)]
    if fresh:
        _asked(lambda _: reader.commit(offsets=fresh, asynchronous=False), seconds)


def inspector(settings: BrokerSettings) -> AdminClient:
    """A client that tells what topics there are and how far they go."""
    config: dict[str, Any] = _librdkafka(settings)
    return AdminClient(config)


def _asked(ask: Callable[[float], T], seconds: float) -> T:
    """The answer of a broker, asked again while that is moving; `ask` gets the seconds that are left."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask(max(0.1, deadline - time.monotonic()))
        except KafkaException as error:
            if error.args[0].code() not in _MOVING or time.monotonic() > deadline:
                raise
            time.sleep(_ASK_AGAIN_SECONDS)


def _librdkafka(settings: BrokerSettings) -> dict[str, object]:
    config: dict[str, object] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": CLIENT_ID,
        "security.protocol": settings.kafka_security_protocol,
        "allow.auto.create.topics": False,
        "logger": logging.getLogger("librdkafka"),
        "error_cb": _tell,
    }
    if settings.sasl:
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_sasl_username,
            "sasl.password": settings.sasl_password,
        }
    files = {
        "ssl.ca.location": settings.kafka_ssl_ca_file,
        "ssl.certificate.location": settings.kafka_ssl_cert_file,
        "ssl.key.location": settings.kafka_ssl_key_file,
    }
    return config | {name: str(path) for name, path in files.items() if path is not None}


def _tell(error: KafkaError) -> None:
    """What clients go on trying to get over; what they can't is raised where they are used."""
    _log.warning("Kafka: %s", error.str())
