"""Finds on the topics what a stance change followed from, and what proves that it wasn't altered."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from shared import broker, topics
from shared.cloudevents import from_kafka
from shared.dead_letters import Record, left_out
from shared.errors import PermanentError
from shared.events import ARTICLE_EVENT, Article, Digest, Slug, StanceChange
from shared.settings import BrokerSettings
from shared.signing import TrustedKeys
from shared.topics import Topic
from stance_service.audit.explanation import ChainPlace
from stance_service.audit.findings import Place
from stance_service.audit.recorded import records, spans_of, verified_chains
from stance_service.audit.seals import CheckpointLog, Sealed, read_log

SHORTEST: Final = 6
"""So much of an id has to be given at least."""


class Gathering:
    """Reads whole partitions, and of them keeps what is asked for."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings

    def change(self, wanted: str) -> tuple[Record, StanceChange]:
        """The one whose id begins so; raises PermanentError if there is none, or more than one."""
        name = self._settings.topic(topics.CHANGES)
        if len(wanted) < SHORTEST:
            raise PermanentError(f"{wanted!r} is too short: give at least {SHORTEST} characters of a change's id")
        found: dict[Digest, tuple[Record, StanceChange]] = {}
        for record in records(self._settings, topics.CHANGES):
            with suppress(PermanentError):
                change = from_kafka(record.headers, record.value)
                if change.id.startswith(wanted):
                    found.setdefault(change.id, (record, change))
        if not found:
            raise PermanentError(f"{name} has no change {wanted}; stance-service changes --json lists them, with ids")
        if len(found) > 1:
            raise PermanentError(f"{wanted} begins the ids of {len(found)} changes: {', '.join(sorted(found))}")
        return next(iter(found.values()))

    def observed(self, actor: Slug) -> list[Record]:
        """The observations of an actor that count, and the withdrawals: all but what was parked."""
        parked = left_out(self._settings, topics.OBSERVATIONS)
        found = self._of(topics.OBSERVATIONS, [actor])
        return [each for each in found if each.value is not None and (each.partition, each.offset) not in parked]

    def articles(self, wanted: Collection[tuple[Digest, int]]) -> dict[tuple[Digest, int], tuple[Place, Article]]:
        """Of the given ids and revisions, those that are still on the topic."""
        found: dict[tuple[Digest, int], tuple[Place, Article]] = {}
        for record in self._of(topics.ARTICLES, {article_id for article_id, _ in wanted}):
            with suppress(ValidationError):
                article = ARTICLE_EVENT.validate_json(record.value or b"")
                if isinstance(article, Article) and (article.article_id, article.revision) in wanted:
                    place = Place(record.topic, record.partition, record.offset)
                    found[article.article_id, article.revision] = place, article
        return found

    def chain_place(
        self, record: Record, change: StanceChange, trusted: TrustedKeys, copies: Sequence[bytes]
    ) -> ChainPlace:
        """Where a change stands in its chain, whether the chains of its partition are whole, and what seals it."""
        log = CheckpointLog((), ())
        if len(trusted):
            logged = records(self._settings, topics.CHECKPOINTS)
            log = read_log(logged, copies, trusted, self._settings.topic(topics.CHECKPOINTS))
        known = {record.partition: spans_of(self._settings, topics.CHANGES)[record.partition]}
        kept: list[Record] = []
        _, wrong = verified_chains(self._settings, known, Sealed.of_changes(log.genuine, record.topic), kept.append)
        before = sum(each.offset <= record.offset for each in kept)
        sealing = (
            checkpoint
            for checkpoint in log.genuine
            if any(each.partition == record.partition and each.changes >= before for each in checkpoint.partitions)
        )
        return ChainPlace(
            sequence=change.sequence,
            previous=change.previous,
            hash=change.hash,
            checkpoint=next(sealing, None),
            wrong=tuple(f"{each.place}: {each.reason}" for each in (*log.findings, *wrong)),
        )

    def _of(self, topic: Topic, keys: Collection[str]) -> Iterator[Record]:
        """All records of some keys."""
        known = spans_of(self._settings, topic)
        wanted = {key.encode() for key in keys}
        numbers = {broker.partition_of(key, len(known)) for key in wanted}
        for record in records(self._settings, topic, {number: known[number] for number in numbers}):
            if record.key in wanted:
                yield record
