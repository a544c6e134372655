"""What was announced, sealed and verified on real topics, and on altered copies of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition

from shared import broker, topics
from shared.broker import create_topics
from shared.by_hand import park_by_hand
from shared.chain import Heads
from shared.cloudevents import from_kafka, to_kafka
from shared.dead_letters import Record
from shared.errors import PermanentError
from shared.events import Article, Evidence, Observation, StanceChange
from shared.ids import digest
from shared.settings import BrokerSettings
from shared.signing import SigningKey, TrustedKey, TrustedKeys, entry
from stance_service.audit.checkpointer import Checkpointer, RefusedToSealError
from stance_service.audit.explain import explain
from stance_service.audit.explanation import Quote
from stance_service.audit.findings import Kind, Verdict
from stance_service.audit.gathering import Gathering
from stance_service.audit.recorded import tracked_to
from stance_service.audit.verify import Verification
from stance_service.belief import Parameters
from stance_service.publishing import GROUP
from stance_service.tracker import Tracker
from tests.broker.test_transactions import history, tracking
from tests.broker.topic_io import DEADLINE, publish, read, wait_until_read, write
from tests.stances import observation

pytestmark = pytest.mark.broker

KEY = SigningKey.made()
TRUSTED = TrustedKeys([TrustedKey(public_key=KEY.public_pem, valid_from=datetime(2020, 1, 1, tzinfo=UTC))])
Alteration = Callable[[list[Record]], list[Record]]


def verdict(settings: BrokerSettings, parameters: Parameters | None = None, trusted: TrustedKeys = TRUSTED) -> Verdict:
    return Verification(settings, parameters or Parameters(), trusted).run()


def fresh(cluster: BrokerSettings) -> BrokerSettings:
    settings = cluster.model_copy(update={"kafka_topic_prefix": f"t{uuid4().hex[:8]}."})
    create_topics(settings, [*topics.TOPICS, topics.CHANGES.dead])
    return settings


@pytest.fixture(scope="module")
def announced(cluster: BrokerSettings) -> BrokerSettings:
    """Topics with changes, all of them sealed, some of them twice. Not to be written to."""
    kafka, records = fresh(cluster), history(200)
    checkpointer = Checkpointer(kafka, KEY, TRUSTED)
    for part in (records[:100], records[100:]):
        publish(kafka, part)
        write(kafka, topics.ARTICLES, [(each.article_id, f'{{"article_id":"{each.article_id}"}}') for each in part])
        with tracking(kafka):
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
        checkpointer.write(None)
    return kafka


def copied(
    settings: BrokerSettings, altered: dict[topics.Topic, Alteration], *, offsets: bool = True
) -> BrokerSettings:
    """The same topics under other names, except for what is altered. `offsets`: the tracker's, too."""
    copy = fresh(settings)
    producer = broker.producer(copy)
    for topic in (topics.ARTICLES, topics.OBSERVATIONS, topics.POSITIONS, topics.CHANGES, topics.CHECKPOINTS):
        for each in altered.get(topic, list)(read(settings, topic)):
            producer.produce(
                copy.topic(topic), key=each.key, value=each.value, partition=each.partition, headers=list(each.headers)
            )
    assert producer.flush(DEADLINE) == 0
    if not offsets:
        return copy
    reader = broker.consumer(copy, GROUP)
    name = copy.topic(topics.OBSERVATIONS)
    places = [TopicPartition(name, number, offset) for number, offset in tracked_to(settings).items() if offset]
    reader.commit(offsets=places, asynchronous=False)
    reader.close()
    return copy


def test_what_was_announced_is_verified_whole(announced: BrokerSettings) -> None:
    found = verdict(announced)
    assert found.differences == []
    assert found.status == 0
    changes = len(read(announced, topics.CHANGES))
    assert found.verified["changes in chains"] == found.verified["changes recomputed"] == changes > 10
    assert found.verified["checkpoints"] == 2
    for topic in (topics.ARTICLES, topics.OBSERVATIONS):
        assert found.verified[f"records of {topic.name}"] == len(history(200))


def of_one_actor(records: list[Record]) -> list[int]:
    """The places of the changes of the actor who has most."""
    by_actor: dict[bytes | None, list[int]] = {}
    for place, each in enumerate(records):
        by_actor.setdefault(each.key, []).append(place)
    return max(by_actor.values(), key=len)


def with_change(record: Record, **fields: object) -> Record:
    """The record with other values in its change, and headers to suit them."""
    change = from_kafka(record.headers, record.value).model_copy(update=fields)
    key, headers, value = to_kafka(change)
    plain = tuple((name, item.encode() if isinstance(item, str) else item) for name, item in headers)
    return replace(record, key=key, headers=plain, value=value)


def altered(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[:place], with_change(records[place], probability=0.123456), *records[place + 1 :]]


def removed(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[:place], *records[place + 1 :]]


def cut_off(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[-1]
    return [*records[:place], *records[place + 1 :]]


def repeated(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[: place + 1], *records[place:]]


def swapped(records: list[Record]) -> list[Record]:
    one, other = of_one_actor(records)[1:3]
    found = list(records)
    found[one], found[other] = found[other], found[one]
    return found


def chained_anew(records: list[Record]) -> list[Record]:
    """One is altered, and all hashes are made to suit that."""
    found = altered(records)
    changes = Heads().link(from_kafka(each.headers, each.value) for each in found)
    return [
        with_change(record, **change.model_dump(include={"sequence", "previous", "hash"}))
        for record, change in zip(found, changes, strict=True)
    ]


@pytest.mark.parametrize(
    ("alteration", "kinds"),
    [
        (altered, {Kind.ALTERED}),
        (removed, {Kind.MISSING, Kind.ALTERED, Kind.TRUNCATED}),
        (cut_off, {Kind.MISSING, Kind.ALTERED, Kind.TRUNCATED}),
        (repeated, {Kind.REORDERED, Kind.UNEXPECTED, Kind.ALTERED}),
        (swapped, {Kind.REORDERED, Kind.MISSING}),
        (chained_anew, {Kind.ALTERED}),
    ],
)
def test_an_alteration_of_the_changes_is_found(
    announced: BrokerSettings, alteration: Alteration, kinds: set[Kind]
) -> None:
    copy = copied(announced, {topics.CHANGES: alteration})
    found = verdict(copy)
    assert found.status == 1
    assert {each.kind for each in found.differences} <= kinds


def test_a_faithful_copy_is_verified_as_one(announced: BrokerSettings) -> None:
    found = verdict(copied(announced, {}))
    assert found.differences == []
    assert any("is a copy" in note for note in found.notes)


def first_replaced(old: bytes, new: bytes) -> Alteration:
    """In the first record that holds the old bytes."""

    def altered(records: list[Record]) -> list[Record]:
        found, place = list(records), next(n for n, each in enumerate(records) if old in (each.value or b""))
        found[place] = replace(found[place], value=(found[place].value or b"").replace(old, new, 1))
        return found

    return altered


def test_an_altered_observation_is_found_by_what_should_have_followed(announced: BrokerSettings) -> None:
    turned = first_replaced(b'"confidence":0.95', b'"confidence":0.05')
    found = verdict(copied(announced, {topics.OBSERVATIONS: turned}))
    assert any(topics.CHANGES.name in each.place.topic for each in found.differences)


def respaced(records: list[Record]) -> list[Record]:
    """One has the same JSON in other bytes."""
    return first_replaced(b":", b": ")(records)


def of_one_partition_swapped(records: list[Record]) -> list[Record]:
    """`records` are sorted by partition."""
    place = next(n for n in range(len(records)) if records[n].partition == records[n + 1].partition)
    return [*records[:place], records[place + 1], records[place], *records[place + 2 :]]


@pytest.mark.parametrize("topic", [topics.ARTICLES, topics.OBSERVATIONS], ids=lambda topic: topic.name)
@pytest.mark.parametrize(
    ("alteration", "kind"),
    [
        (respaced, Kind.ALTERED),
        (of_one_partition_swapped, Kind.ALTERED),
        (lambda records: records[1:], Kind.ALTERED),
        (lambda records: records[:-1], Kind.TRUNCATED),
    ],
)
def test_an_alteration_of_what_changes_follow_from_is_found_whatever_follows_from_it(
    announced: BrokerSettings, topic: topics.Topic, alteration: Alteration, kind: Kind
) -> None:
    copy = copied(announced, {topic: alteration})
    found = {(each.kind, each.place.topic) for each in verdict(copy).differences if "checkpoint" in each.subject}
    assert (kind, copy.topic(topic)) in found
    with pytest.raises(RefusedToSealError, match="it sealed"):
        Checkpointer(copy, KEY, TRUSTED).write(None)


def test_an_observation_that_cannot_be_read_any_more_is_found(announced: BrokerSettings) -> None:
    found = verdict(copied(announced, {topics.OBSERVATIONS: first_replaced(b'"actor":"', b'"actor":"Not a slug, ')}))
    assert any("can't be read any more" in each.reason for each in found.differences)


def test_an_altered_timeline_is_found_and_shown(announced: BrokerSettings) -> None:
    def raised(records: list[Record]) -> list[Record]:
        last = max(range(len(records)), key=lambda place: place)
        value = (records[last].value or b"").replace(b'"probability":0.', b'"probability":0.0', 1)
        return [*records[:last], replace(records[last], value=value)]

    (finding,) = verdict(copied(announced, {topics.POSITIONS: raised})).differences
    assert finding.kind is Kind.ALTERED
    assert [name.rpartition(".")[2] for name in finding.fields] == ["probability"]


def test_a_timeline_of_nobody_is_found(announced: BrokerSettings) -> None:
    def with_another(records: list[Record]) -> list[Record]:
        return [*records, replace(records[-1], key=b"nobody/openness")]

    (finding,) = verdict(copied(announced, {topics.POSITIONS: with_another})).differences
    assert (finding.kind, finding.subject) == (Kind.UNEXPECTED, "nobody/openness")


def test_observations_cut_off_the_end_are_found(announced: BrokerSettings) -> None:
    found = verdict(copied(announced, {topics.OBSERVATIONS: lambda records: records[:-1]}))
    assert Kind.TRUNCATED in {each.kind for each in found.differences}


def test_without_the_trackers_offsets_the_last_changes_are_not_said_to_be_whole(announced: BrokerSettings) -> None:
    copy = copied(announced, {topics.CHANGES: cut_off, topics.CHECKPOINTS: lambda _: []}, offsets=False)
    found = verdict(copy, trusted=TrustedKeys([]))
    assert found.differences == []
    assert found.status == 2
    assert "1 changes and timelines are recomputed and not recorded" in found.unverifiable[0]


def test_a_missing_checkpoint_is_found(announced: BrokerSettings) -> None:
    found = verdict(copied(announced, {topics.CHECKPOINTS: lambda records: records[1:]}))
    assert Kind.FORGED in {each.kind for each in found.differences}
    found = verdict(copied(announced, {topics.CHECKPOINTS: lambda _: []}))
    assert [each.reason for each in found.differences] == ["there is not one checkpoint"]


def test_checkpoints_of_a_key_that_is_not_trusted_are_found(announced: BrokerSettings) -> None:
    other = TrustedKey(public_key=SigningKey.made().public_pem, valid_from=datetime(2020, 1, 1, tzinfo=UTC))
    found = verdict(announced, trusted=TrustedKeys([other]))
    assert all(f"the unknown key {KEY.id}" in each.reason for each in found.differences)
    assert found.status == 1


def test_without_trusted_keys_checkpoints_are_said_not_to_be_verified(announced: BrokerSettings) -> None:
    found = verdict(announced, trusted=TrustedKeys([]))
    assert found.status == 2
    assert "no key is trusted" in found.unverifiable[0]


def test_what_was_recorded_with_other_parameters_is_said_not_to_be_verified(announced: BrokerSettings) -> None:
    found = verdict(announced, Parameters(enter=0.8))
    assert found.differences == []
    assert found.status == 2
    assert Parameters().version in found.unverifiable[0]


def test_a_change_of_parameters_leaves_all_of_the_newer_ones_verifiable(kafka: BrokerSettings) -> None:
    records, newer = history(200), Parameters(enter=0.8)
    publish(kafka, records[:100])
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    publish(kafka, records[100:])
    with tracking(kafka, parameters=newer):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    found = verdict(kafka, newer, TrustedKeys([]))
    assert found.differences == []
    assert found.verified["changes recomputed"] > 0
    assert len(found.unverifiable) == 1


def test_observations_that_retention_has_dropped_are_named(announced: BrokerSettings) -> None:
    copy = copied(announced, {})
    name = copy.topic(topics.OBSERVATIONS)
    partition = next(number for number, offset in tracked_to(copy).items() if offset)
    client = broker.inspector(copy)
    (deleted,) = client.delete_records([TopicPartition(name, partition, 3)]).values()
    deleted.result()
    found = verdict(copy)
    assert found.differences == []
    assert found.status == 2
    assert f"{name}, partition {partition}: offsets 0 to 2 are gone" in found.unverifiable[0]


def test_changes_from_before_they_were_chained_are_sealed_by_the_first_that_is(kafka: BrokerSettings) -> None:
    records = history(200)
    early = Tracker(Parameters()).apply(records[:100]).changes
    publish(kafka, records[:100])
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    copy = copied(kafka, {topics.CHANGES: lambda records: [unchained(each) for each in records]})
    assert len(read(copy, topics.CHANGES)) == len(early) > 0
    publish(copy, records[100:])
    with tracking(copy):
        assert wait_until_read(copy, GROUP, topics.OBSERVATIONS)
    Checkpointer(copy, KEY, TRUSTED).write(None)
    assert verdict(copy).status == 0
    assert sum(each.hash is None for each in changes_on(copy)) == len(early) < len(changes_on(copy))
    altered_early = first_replaced(b'"count":1', b'"count":2')
    again = copied(copy, {topics.CHANGES: altered_early})
    assert {each.kind for each in verdict(again).differences} == {Kind.ALTERED}


def unchained(record: Record) -> Record:
    """As versions wrote it that knew no chains."""
    change = from_kafka(record.headers, record.value)
    return replace(record, value=change.model_dump_json(exclude={"sequence", "previous", "hash"}).encode())


def changes_on(settings: BrokerSettings) -> list[StanceChange]:
    return [from_kafka(each.headers, each.value) for each in read(settings, topics.CHANGES)]


def test_nothing_is_sealed_that_was_altered(announced: BrokerSettings) -> None:
    copy = copied(announced, {topics.CHANGES: altered})
    with pytest.raises(RefusedToSealError, match="its content has the hash"):
        Checkpointer(copy, KEY, TRUSTED).write(None)
    assert len(read(copy, topics.CHECKPOINTS)) == 2


def test_a_forged_change_that_was_taken_out_is_noted_and_disturbs_no_more(announced: BrokerSettings) -> None:
    copy = copied(announced, {topics.CHANGES: lambda records: [*records, records[0]]})
    assert verdict(copy).status == 1
    first = read(announced, topics.CHANGES)[0].partition
    last = max(each.offset for each in read(copy, topics.CHANGES) if each.partition == first)
    park_by_hand(copy, topics.CHANGES, first, last, reason="forged", by="an operator", service="a test")
    found = verdict(copy)
    assert found.status == 0
    assert any("an operator took out" in note and "forged" in note for note in found.notes)


def test_a_change_is_explained_with_its_article_and_its_proof(kafka: BrokerSettings) -> None:
    text = "Nobody may read it. We keep the weights closed. That is all."
    seen = observation(-1, "2023", evidence="We keep the weights closed.")
    seen = seen.model_copy(update={"evidence": Evidence(start=20, end=47, text="We keep the weights closed.")})
    publish(kafka, [seen])
    article = an_article(seen, text)
    write(kafka, topics.ARTICLES, [(article.article_id, article.model_dump_json())])
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    Checkpointer(kafka, KEY, TRUSTED).write(None)
    (change,) = changes_on(kafka)
    found = explain(change.id[:12], Gathering(kafka), Parameters(), TRUSTED)
    (reason,) = found.reasons
    assert found.notes == ()
    assert reason.source is not None
    assert reason.source.raw_digest == article.raw_digest
    assert reason.source.quote == Quote(
        before="Nobody may read it. ", evidence="We keep the weights closed.", after=" That is all."
    )
    assert reason.without is not None
    assert not reason.without.announced
    assert reason.without.position is None
    assert (found.chain.sequence, found.chain.hash, found.chain.wrong) == (1, change.hash, ())
    assert found.chain.checkpoint is not None
    assert found.chain.checkpoint.sequence == 1


@pytest.mark.parametrize(("wanted", "reason"), [("abc", "too short"), ("0" * 64, "has no change")])
def test_a_change_that_is_not_there_is_not_explained(announced: BrokerSettings, wanted: str, reason: str) -> None:
    with pytest.raises(PermanentError, match=reason):
        explain(wanted, Gathering(announced), Parameters(), TRUSTED)


def an_article(seen: Observation, body: str) -> Article:
    return Article(
        article_id=seen.article_id,
        revision=1,
        source="test",
        title="Title",
        body=body,
        language="en",
        publisher="The News",
        published_at=seen.published_at,
        published_origin="meta",
        observed_at=seen.observed_at,
        raw_digest=digest("raw", {}),
        normaliser="test-1",
    )


def environment(settings: BrokerSettings, folder: Path) -> dict[str, str]:
    """With keys and the copy of checkpoints in a folder."""
    return os.environ | {
        "STANCE_DATA_DIR": str(folder),
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "STANCE_AUDIT_SIGNING_KEY": str(folder / "signing.pem"),
        "STANCE_AUDIT_TRUSTED_KEYS": str(folder / "trusted.yaml"),
        "STANCE_AUDIT_CHECKPOINT_COPY": str(folder / "checkpoints.jsonl"),
    }


def audit(settings: BrokerSettings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    command, own = [sys.executable, "-m", "stance_service", "audit", *arguments], environment(settings, folder)
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=DEADLINE * 2)


@pytest.mark.slow
def test_the_commands_of_an_audit(kafka: BrokerSettings, tmp_path: Path) -> None:
    publish(kafka, history(60))
    with tracking(kafka):
        assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
    assert "holds no private key" in audit(kafka, tmp_path, "checkpoint").stderr
    made = audit(kafka, tmp_path, "keygen", str(tmp_path / "signing.pem"), str(tmp_path / "trusted.yaml"))
    assert (made.returncode, len(made.stdout.strip())) == (0, 16)
    sealed = audit(kafka, tmp_path, "checkpoint")
    assert sealed.stdout == f"checkpoint 1 seals {len(changes_on(kafka))} changes\n"
    verified = audit(kafka, tmp_path, "verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["status"]) == (0, 0)
    page = tmp_path / "explained.html"
    explained = audit(kafka, tmp_path, "explain", changes_on(kafka)[0].id, "--html", str(page), "--json")
    assert json.loads(explained.stdout)["change"]["id"] in page.read_text()
    (tmp_path / "checkpoints.jsonl").write_text("{}\n")
    forged = audit(kafka, tmp_path, "verify")
    assert forged.returncode == 1
    assert "copy 1" in forged.stdout


def test_checkpoints_are_written_again_and_again_until_asked_to_stop(kafka: BrokerSettings, tmp_path: Path) -> None:
    KEY.write(tmp_path / "signing.pem")
    (tmp_path / "trusted.yaml").write_text(entry(KEY, datetime(2020, 1, 1, tzinfo=UTC)))
    command = [sys.executable, "-m", "stance_service", "audit", "checkpoint", "--every", "1"]
    with subprocess.Popen(command, env=environment(kafka, tmp_path)) as process:
        try:
            deadline = time.monotonic() + DEADLINE
            while len(read(kafka, topics.CHECKPOINTS)) < 2:
                assert time.monotonic() < deadline, "no second checkpoint was written"
                assert process.poll() is None, "it ended by itself"
        finally:
            process.terminate()
    assert process.returncode == 0
    assert verdict(kafka).status == 0
    assert len((tmp_path / "checkpoints.jsonl").read_text().splitlines()) == len(read(kafka, topics.CHECKPOINTS))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({}, "STANCE_AUDIT_SIGNING_KEY is not set"), ({"STANCE_AUDIT_SIGNING_KEY": "signing.pem"}, "is not among")],
)
def test_nothing_is_signed_that_nobody_could_verify(tmp_path: Path, settings: dict[str, str], reason: str) -> None:
    KEY.write(tmp_path / "signing.pem")
    command = [sys.executable, "-m", "stance_service", "audit", "checkpoint"]
    found = subprocess.run(
        command, env=os.environ | settings, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert found.returncode == 1
    assert reason in found.stderr


def test_verify_that_reaches_no_kafka_has_verified_nothing(tmp_path: Path) -> None:
    nobody = BrokerSettings(kafka_bootstrap_servers="127.0.0.1:9", data_dir=tmp_path)
    (tmp_path / "trusted.yaml").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STANCE_KAFKA_TIMEOUT_SECONDS", "2")
        found = audit(nobody, tmp_path, "verify")
    assert found.returncode == 2
    assert "nothing was verified: Kafka at 127.0.0.1:9 does not answer" in found.stderr
