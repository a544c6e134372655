"""The bytes that articles were found in, on a topic of their own: an audit can go back to what a page said."""

import hashlib
import logging
from collections.abc import Iterator, Sequence

from ingest_service.sources import RawDocument
from ingest_service.topic import Entry
from shared.broker import consumer
from shared.errors import PermanentError
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS, beginnings, to_the_end
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
    reader = consumer(settings, "ingest-raw", options=TELL_ENDS)
    topic = settings.topic(RAW_DOCUMENTS)
    try:
        for message in to_the_end(settings, reader, beginnings(settings, reader, topic)):
            if message.key() == digest.encode():
                return _verified(message.value() or b"", digest)
    finally:
        reader.close()
    raise PermanentError(f"{topic} has no document {digest}; they are kept with STANCE_INGEST_KEEP_RAW=true")


def _verified(content: bytes, digest: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != digest:
        raise PermanentError(f"the document {digest} is not what was kept: its bytes have another digest")
    return content
