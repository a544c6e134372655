"""`stance-service audit verify`: are the recorded changes and timelines those that they have to be?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared import topics
from shared.dead_letters import Record, parked
from shared.events import Checkpoint
from shared.settings import BrokerSettings
from shared.signing import TrustedKeys
from shared.topics import Topic
from stance_service.audit.comparison import Comparison
from stance_service.audit.digests import PartitionDigest
from stance_service.audit.findings import Finding, Kind, Place, Verdict
from stance_service.audit.recompute import Recomputed, recompute
from stance_service.audit.recorded import (
    SOURCES,
    Observations,
    digested,
    records,
    spans_of,
    tracked_to,
    verified_chains,
)
from stance_service.audit.seals import Sealed, read_log
from stance_service.belief import Parameters
from stance_service.publishing import GROUP
from stance_service.records import Entry
from stance_service.restore import UnreadableObservationError


@dataclass
class Verification:
    """Of all that is on the topics. `copies`: checkpoints that were kept elsewhere."""

    settings: BrokerSettings
    parameters: Parameters
    trusted: TrustedKeys
    copies: Sequence[bytes] = ()
    verdict: Verdict = field(default_factory=Verdict)

    def run(self) -> Verdict:
        """Raises KafkaException or StanceError for what can't be read."""
        tracked = tracked_to(self.settings)
        checkpoints = self._checkpoints()
        changes = self._chains(Sealed.of_changes(checkpoints, self.settings.topic(topics.CHANGES)))
        self._sources(checkpoints)
        timelines = self._timelines()
        comparison = self._recomputed(changes, timelines, tracked)
        self._tell(comparison)
        self.verdict.differences.sort(key=_where)
        return self.verdict

    def _checkpoints(self) -> Sequence[Checkpoint]:
        """The genuine ones."""
        topic = self.settings.topic(topics.CHECKPOINTS)
        spans = self._spans(topics.CHECKPOINTS, "the checkpoints there can't be verified")
        found = list(records(self.settings, topics.CHECKPOINTS, spans))
        if not len(self.trusted):
            if found or self.copies:
                self.verdict.unverifiable.append(
                    f"{len(found) + len(self.copies)} checkpoints: no key is trusted, see STANCE_AUDIT_TRUSTED_KEYS"
                )
            else:
                self.verdict.notes.append("There are no checkpoints: nothing proves that no chain was made anew.")
            return ()
        log = read_log(found, self.copies, self.trusted, topic)
        self.verdict.differences += log.findings
        self.verdict.count("checkpoints", len(log.genuine))
        if not found:
            self.verdict.differences.append(Finding(Kind.MISSING, Place(topic), "", "there is not one checkpoint"))
        elif log.genuine:
            last = log.genuine[-1]
            self.verdict.notes.append(
                f"The last checkpoint is number {last.sequence}, of {last.signed_at.isoformat()}."
            )
        return log.genuine

    def _chains(self, sealed: Sealed) -> dict[int, list[Record]]:
        """Verifies the changes, and returns them by partition."""
        known = self._spans(topics.CHANGES, "where chains begin there, and what was sealed, can't be verified")
        found: dict[int, list[Record]] = {number: [] for number in known}
        chains, wrong = verified_chains(self.settings, known, sealed, lambda each: found[each.partition].append(each))
        self.verdict.differences += wrong
        self.verdict.count("changes in chains", sum(each.count for each in chains))
        self.verdict.notes += sealed.notes(chains)
        return found

    def _sources(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Verifies articles and observations as far as they were sealed."""
        for topic in SOURCES:
            sealed = Sealed.of_source(checkpoints, topic.name, self.settings.topic(topic))
            if not sealed.partitions:
                continue
            known = self._spans(topic, "what was sealed there can't be verified")
            parts = {
                number: PartitionDigest(number, complete=known.get(number, (0, 0))[0] == 0)
                for number in known.keys() | sealed.partitions
            }
            self.verdict.differences += digested(self.settings, topic, known, parts, sealed)
            self.verdict.notes += sealed.notes(parts.values())
            self.verdict.count(f"records of {topic.name}", sum(each.count for each in parts.values()))

    def _timelines(self) -> dict[str, Record]:
        found = records(self.settings, topics.POSITIONS)
        return {(record.key or b"").decode(errors="replace"): record for record in found}

    def _recomputed(
        self, changes: dict[int, list[Record]], timelines: dict[str, Record], tracked: dict[int, int | None]
    ) -> Comparison:
        comparison = Comparison(self.parameters.version)
        name, positions = self.settings.topic(topics.CHANGES), self.settings.topic(topics.POSITIONS)
        recorded = {key: record.value for key, record in timelines.items() if record.value is not None}
        observations, now = Observations.of(self.settings), tracked_to(self.settings)
        self._tell_parked(observations)
        lost = "the changes and timelines of all actors of this partition can't be recomputed"
        expected: set[str] = set()
        whole = True
        for number, span in self._spans(topics.OBSERVATIONS, lost).items():
            entries = observations.entries(number, self._until(number, span, now[number]))
            right = self._right(entries, tracked[number] or 0, recorded) if span[0] == 0 else None
            if right is None:
                whole = False
                continue
            expected |= right.timelines.keys() | right.later
            undecided = comparison.undecided
            comparison.compare_changes(Place(name, number), changes.get(number, []), right)
            comparison.compare_timelines(positions, timelines, right)
            if now[number] is None and comparison.undecided > undecided:
                self.verdict.unverifiable.append(
                    f"partition {number} of {name}: {comparison.undecided - undecided} changes and timelines are "
                    f"recomputed and not recorded. Nobody knows whether they were: group {GROUP} has no offset there"
                )
        if whole:
            comparison.compare_unexpected(timelines, expected)
        return comparison

    def _until(self, number: int, span: tuple[int, int], tracked: int | None) -> int:
        """Up to where observations can be, and may have been, tracked."""
        if tracked is not None and tracked > span[1]:
            place = Place(self.settings.topic(topics.OBSERVATIONS), number)
            reason = f"it was tracked up to offset {tracked}, and ends at {span[1]}"
            self.verdict.differences.append(Finding(Kind.TRUNCATED, place, "", reason))
        return span[1] if tracked is None else min(tracked, span[1])

    def _right(
        self, entries: Iterable[tuple[int, Entry]], settled: int, recorded: dict[str, bytes]
    ) -> Recomputed | None:
        """None: an observation can't be read any more."""
        try:
            return recompute(entries, settled, self.parameters, recorded)
        except UnreadableObservationError as error:
            place = Place(error.topic, error.partition, error.offset)
            self.verdict.differences.append(Finding(Kind.ALTERED, place, "", error.reason))
            return None

    def _tell(self, comparison: Comparison) -> None:
        self.verdict.differences += comparison.findings
        self.verdict.count("changes recomputed", comparison.changes)
        self.verdict.count("timelines recomputed", comparison.timelines)
        for version, count in comparison.others.items():
            self.verdict.unverifiable.append(
                f"{count} changes and timelines were recorded with the parameters {version}, and those set are "
                f"{comparison.parameters}: set STANCE_TRACK_... as they were then, and verify again"
            )
        if comparison.undecided:
            self.verdict.notes.append(
                f"{comparison.undecided} changes and timelines follow from observations that the tracker has not "
                "committed yet."
            )

    def _tell_parked(self, observations: Observations) -> None:
        for each in (*observations.parked, *parked(self.settings, topics.CHANGES)):
            record, by = each.letter.record, each.letter.by
            if by:
                place = Place(record.topic, record.partition, record.offset)
                self.verdict.notes.append(f"{by} took out {place}: {each.letter.reason}")
        refused = sum(not each.letter.by for each in observations.parked)
        if refused:
            self.verdict.notes.append(f"{refused} observations were refused by the tracker and parked.")

    def _spans(self, topic: Topic, lost: str) -> dict[int, tuple[int, int]]:
        """Of a topic that has to be whole; says what is no longer there, and what is lost by that."""
        known = spans_of(self.settings, topic)
        for number, (first, _) in known.items():
            if first > 0:
                place = Place(self.settings.topic(topic), number)
                self.verdict.unverifiable.append(
                    f"{place}: offsets 0 to {first - 1} are gone (by retention, or deleted); {lost}"
                )
        return known


def _where(finding: Finding) -> tuple[str, int, int]:
    place = finding.place
    return place.topic, -1 if place.partition is None else place.partition, -1 if place.offset is None else place.offset
