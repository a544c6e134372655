"""Checkpoints written: all that was announced so far, and what it follows from, is verified, sealed and signed."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, Producer

from shared import access, broker, topics
from shared.checkpoints import signed
from shared.errors import PermanentError, TransientError
from shared.events import Checkpoint, SealedSource
from shared.observability import LAST_CHECKPOINT
from shared.settings import BrokerSettings
from shared.signing import SigningKey, TrustedKeys
from shared.topics import Topic
from stance_service.audit.digests import PartitionDigest
from stance_service.audit.findings import Finding
from stance_service.audit.recorded import SOURCES, digested, records, spans_of, verified_chains
from stance_service.audit.seals import Sealed, read_log

TOLD: Final = 5


class RefusedToSealError(PermanentError):
    """What is recorded isn't what it has to be: a checkpoint would hide that."""


class Checkpointer:
    """Fences its predecessor, so that two never follow the same checkpoint."""

    def __init__(self, settings: BrokerSettings, key: SigningKey, trusted: TrustedKeys) -> None:
        self._settings = settings
        self._key = key
        self._trusted = trusted
        self._sources: dict[str, dict[int, PartitionDigest]] = {topic.name: {} for topic in SOURCES}
        self._producer: Producer = broker.producer(settings, transactional_id="audit-checkpoint")
        self._producer.init_transactions(settings.kafka_timeout_seconds)

    def write(self, copy: Path | None) -> Checkpoint:
        """Verifies what is recorded and seals it, also in the file `copy`; raises RefusedToSealError."""
        checkpoint = self._made(copies(copy))
        value = checkpoint.model_dump_json()
        try:
            self._producer.begin_transaction()
            self._producer.produce(
                self._settings.topic(topics.CHECKPOINTS), key=checkpoint.topic.encode(), value=value.encode()
            )
            self._producer.commit_transaction(self._settings.kafka_timeout_seconds)
        except KafkaException as error:
            raise TransientError(f"the checkpoint was not written: {access.told(self._settings, error)}") from error
        if copy is not None:
            _append(copy, value)
        LAST_CHECKPOINT.set(checkpoint.signed_at.timestamp())
        return checkpoint

    def _made(self, kept: Sequence[bytes]) -> Checkpoint:
        settings, name = self._settings, self._settings.topic(topics.CHANGES)
        log_topic = settings.topic(topics.CHECKPOINTS)
        recorded = records(settings, topics.CHECKPOINTS)
        log = read_log(recorded, kept, self._trusted, log_topic)
        _require_none(log.findings)
        known = spans_of(settings, topics.CHANGES)
        lost = [f"partition {number} of {name}" for number, (first, _) in known.items() if first > 0]
        if lost:
            raise RefusedToSealError(f"nothing is sealed: the beginning of {', '.join(lost)} is gone")
        chains, wrong = verified_chains(settings, known, Sealed.of_changes(log.genuine, name), lambda _: None)
        _require_none(wrong)
        sources = [each for topic in SOURCES for each in self._seals(topic, log.genuine)]
        return signed(log.last, name, [each.seal() for each in chains], datetime.now(UTC), self._key, sources=sources)

    def _seals(self, topic: Topic, checkpoints: Sequence[Checkpoint]) -> list[SealedSource]:
        """Of all partitions that still have their beginning. What was read for the last checkpoint isn't read again."""
        known, parts = spans_of(self._settings, topic), self._sources[topic.name]
        for number, (first, _) in known.items():
            if first == 0:
                parts.setdefault(number, PartitionDigest(number))
        spans = {number: (part.end_offset, known[number][1]) for number, part in parts.items()}
        sealed = Sealed.of_source(checkpoints, topic.name, self._settings.topic(topic))
        _require_none(digested(self._settings, topic, spans, parts, sealed))
        return [part.seal(topic.name) for _, part in sorted(parts.items())]


def copies(path: Path | None) -> list[bytes]:
    """The checkpoints that were kept in a file; none if there is none yet."""
    try:
        return [] if path is None or not path.exists() else path.read_bytes().splitlines()
    except OSError as error:
        raise PermanentError(f"the copies of checkpoints can't be read: {error}") from error


def _require_none(findings: Sequence[Finding]) -> None:
    if findings:
        told = "; ".join(f"{each.place}: {each.reason}" for each in findings[:TOLD])
        more = f"; and {len(findings) - TOLD} more" if len(findings) > TOLD else ""
        raise RefusedToSealError(
            f"nothing is sealed, as what is recorded was altered: {told}{more}. See stance-service audit verify."
        )


def _append(path: Path, line: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise PermanentError(f"the checkpoint is on the topic, but not in the copy: {error}") from error
