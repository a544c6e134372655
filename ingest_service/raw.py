"""The bytes that articles were found in, on a topic of their own: an audit can go back to what a page said."""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from ingest_service.sources import RawDocument
from ingest_service.topic import Entry
from shared.broker import consumer
from shared.errors import BrokerUnavailableError, PermanentError
from shared.settings import BrokerSettings
from shared.topics import MAX_RECORD_BYTES, RAW_DOCUMENTS

_ROOM = 64 * 1024
"""What a record takes besides its value."""
_log = logging.getLogger(__name__)


def raw_entries(documents: Sequence[RawDocument]) -> Iterator[Entry]:
    """The documents as records, each content once; one too large for Kafka is not kept, and logged."""
    kept: set[bytes] = set()
    for document in documents:
        digest = hashlib.sha256(document.content).hexdigest().encode()
        if len(document.content) > MAX_RECORD_BYTES - _ROOM:
            size = len(document.content)
            _log.warning("%s: its %d bytes are not kept, a record has room for less", document.where, size)
        elif digest not in kept:
            kept.add(digest)
            yield Entry(RAW_DOCUMENTS.name, digest, document.content, document.media_type)


def raw_content(settings: BrokerSettings, digest: str) -> bytes:
    """The bytes with this digest, an article's `raw_digest`; the topic is searched from its beginning.

    Raises PermanentError if they were not kept.
    """
    reader = consumer(settings, "ingest-raw", options={"enable.partition.eof": True})
    topic, timeout = settings.topic(RAW_DOCUMENTS), settings.kafka_timeout_seconds
    try:
        known = reader.list_topics(topic, timeout).topics[topic].partitions
        reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known])
        unread, deadline = set(known), time.monotonic() + timeout
        while unread:
            for message in reader.consume(100, 0.1):
                deadline = time.monotonic() + timeout
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition() or 0)
                elif error is None and message.key() == digest.encode():
                    return _verified(message.value() or b"", digest)
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"Kafka stopped answering while {topic} was read")
    finally:
        reader.close()
    raise PermanentError(f"{topic} has no document {digest}; they are kept with STANCE_INGEST_KEEP_RAW=true")


def _verified(content: bytes, digest: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != digest:
        raise PermanentError(f"the document {digest} is not what was kept: its bytes have another digest")
    return content
