"""The ingest commands as a person runs them, in processes of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingest_service.build import publishing
from ingest_service.comparable import comparable
from ingest_service.normalise import MAX_ARTICLE_BYTES
from ingest_service.publish import Candidate
from ingest_service.raw import raw_content
from shared.broker import consumer, create_topics, producer
from shared.errors import PermanentError
from shared.events import Article
from shared.settings import BrokerSettings
from shared.topics import ARTICLES, RAW_DOCUMENTS
from tests.documents import PROSE, SEEDS, article, document
from tests.ingest_process import environment, ingest


def on_topic(settings: BrokerSettings, count: int) -> list[Article]:
    """The first `count` articles on the topic, and proof that there are no more."""
    reader = consumer(settings, "test", options={"enable.partition.eof": True})
    reader.subscribe([settings.topic(ARTICLES)])
    found: list[Article] = []
    ended = 0
    while ended < ARTICLES.partitions:
        message = reader.poll(20)
        assert message is not None
        if message.error() is not None:
            ended += 1
        else:
            found.append(Article.model_validate_json(message.value() or b""))
            assert message.key() == found[-1].article_id.encode()
    reader.close()
    assert len(found) == count
    return found


def test_the_seeds_are_published_once_however_often_they_are_added(kafka: BrokerSettings) -> None:
    first = ingest(kafka, "add", SEEDS)
    assert (first.returncode, "5 published" in first.stderr) == (0, True), first.stderr
    again = ingest(kafka, "add", SEEDS, SEEDS / "000_6db10e2b9b2e63e8.txt")
    assert (again.returncode, "0 published" in again.stderr, "6 unchanged" in again.stderr) == (0, True, True)
    assert {one.language for one in on_topic(kafka, 5)} == {"en", "de"}


def test_a_changed_file_is_published_as_the_next_revision(kafka: BrokerSettings, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text in PROSE:
        path.write_text(text)
        assert ingest(kafka, "add", tmp_path).returncode == 0
    assert sorted((one.revision, one.body) for one in on_topic(kafka, 2)) == [(1, PROSE[0]), (2, PROSE[1])]


def test_bad_files_are_named_with_the_reason_and_the_others_published(kafka: BrokerSettings, tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "date.txt").write_text(PROSE[0])
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "good.txt").write_text(PROSE[0])
    (tmp_path / "large.txt").write_bytes(b"a" * 50_000)
    (tmp_path / "lines.jsonl").write_text(json.dumps({"id": "1", "body": PROSE[1]}) + '\n{"id": broken\n')
    (tmp_path / "manifest.yaml").write_text("articles: {date.txt: {published_at: 2024-02-30}}")
    done = ingest(kafka, "add", tmp_path, STANCE_INGEST_MAX_FILE_BYTES="40000")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    expected = {"binary.txt": "binary", "date.txt": "2024-02-30", "empty.txt": "empty", "large.txt": "limit is 40,000"}
    for name, reason in (expected | {"lines.jsonl:2": "not valid JSON"}).items():
        assert any(str(tmp_path / name) in line and reason in line for line in lines), done.stderr
    assert "2 published" in lines[-1]
    assert "5 rejected" in lines[-1]
    on_topic(kafka, 2)


def test_normalise_prints_articles_without_a_broker(tmp_path: Path) -> None:
    nowhere = BrokerSettings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path / "none")
    done = ingest(nowhere, "normalise", SEEDS / "003_a0d5d90d7b487b6b.txt")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["title"].startswith("Microsoft is partnering")
    assert found["published_at"] == "2016-11-15T00:00:00Z"
    assert not (tmp_path / "none").exists()


def test_a_kafka_that_does_not_answer_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = BrokerSettings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
    done = ingest(nowhere, "add", SEEDS, STANCE_KAFKA_TIMEOUT_SECONDS="1")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "127.0.0.1:1" in done.stderr


def test_a_wrong_setting_is_named(kafka: BrokerSettings) -> None:
    done = ingest(kafka, "add", SEEDS, STANCE_KAFKA_SECURITY_PROTOCOL="TLS")
    assert done.returncode == 2
    assert "STANCE_KAFKA_SECURITY_PROTOCOL" in done.stderr


def test_an_embedded_broker_is_started_kept_and_stopped_by_the_command(tmp_path: Path) -> None:
    shutil.copy(SEEDS / "002_e66fe55ed26b97b5.txt", tmp_path / "a.txt")
    settings = BrokerSettings(kafka_bootstrap_servers="", data_dir=tmp_path / "data")
    for expected in ("1 published", "1 unchanged"):
        done = ingest(settings, "add", tmp_path / "a.txt")
        assert (done.returncode, expected in done.stderr) == (0, True), done.stderr
        assert not (tmp_path / "data" / "broker" / "broker.json").exists()


def test_the_longest_article_is_published_and_read_back(kafka: BrokerSettings, tmp_path: Path) -> None:
    longest = article().model_copy(update={"body": "“" * ((MAX_ARTICLE_BYTES - 100) // 3)})
    with publishing(kafka.model_copy(update={"data_dir": tmp_path})) as publisher:
        publisher.catch_up()
        [outcome] = publisher.publish([Candidate(comparable(longest), document())])
        assert outcome.status == "published"
    with publishing(kafka.model_copy(update={"data_dir": tmp_path / "empty"})) as publisher:
        publisher.catch_up()
        [outcome] = publisher.publish([Candidate(comparable(longest), document())])
        assert outcome.status == "unchanged"


def test_a_record_that_is_no_article_does_not_stop_ingest(kafka: BrokerSettings) -> None:
    writer = producer(kafka)
    writer.produce(kafka.topic(ARTICLES), b"no json", b"a")
    assert writer.flush(20) == 0
    done = ingest(kafka, "add", SEEDS / "002_e66fe55ed26b97b5.txt")
    assert (done.returncode, "1 published" in done.stderr) == (0, True), done.stderr


def test_processes_that_add_at_the_same_time_publish_each_article_once(kafka: BrokerSettings, tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number), "body": f"{number}. {PROSE[0]}"}) for number in range(400)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    command = [sys.executable, "-m", "ingest_service", "add", str(tmp_path / "a.jsonl")]
    running = [subprocess.Popen(command, env=environment(kafka), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert len({one.article_id for one in on_topic(kafka, 400)}) == 400


def test_what_an_article_was_found_in_can_be_had_back(kafka: BrokerSettings, tmp_path: Path) -> None:
    create_topics(kafka, [RAW_DOCUMENTS])
    seed = SEEDS / "002_e66fe55ed26b97b5.txt"
    assert ingest(kafka, "add", seed, STANCE_INGEST_KEEP_RAW="true").returncode == 0
    [found] = on_topic(kafka, 1)
    assert raw_content(kafka, found.raw_digest) == seed.read_bytes()
    with pytest.raises(PermanentError, match="STANCE_INGEST_KEEP_RAW"):
        raw_content(kafka, "0" * 64)
    printed = ingest(kafka, "raw", found.raw_digest)
    assert (printed.returncode, printed.stdout) == (0, seed.read_text())
