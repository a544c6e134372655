"""What is published, as which revision, and what is known after things went wrong."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest_service.comparable import comparable
from ingest_service.outcomes import Outcome
from ingest_service.publish import Candidate, Publishing, Remember, Step
from ingest_service.sources import Gone, Known
from ingest_service.state import State
from ingest_service.topic import Entry, Place
from shared.errors import BadInputError, BrokerUnavailableError, PermanentError, TransientError
from shared.events import Article, Retraction
from shared.topics import MAX_RECORD_BYTES, RAW_DOCUMENTS
from tests.documents import PROSE, READ_AT, article, document
from tests.topics import MemoryTopic

GONE = Gone("test", "a.txt", "a.txt", None, "it answers 410")


def candidate(text: str = PROSE[0], key: str = "a.txt") -> Candidate:
    return Candidate(comparable(article(text, key=key)), document(text, key=key))


@pytest.fixture
def topic() -> MemoryTopic:
    return MemoryTopic()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.sqlite", wait_seconds=0.1)
    yield opened
    opened.close()


@pytest.fixture
def publishing(state: State, topic: MemoryTopic) -> Publishing:
    made = Publishing(state, topic, lambda: READ_AT)
    made.catch_up()
    return made


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def revisions(topic: MemoryTopic) -> list[tuple[int, str | None]]:
    return [(event.revision, event.body if isinstance(event, Article) else None) for event in topic.events]


def test_the_same_article_again_is_not_published_again(publishing: Publishing, topic: MemoryTopic) -> None:
    assert statuses(publishing.publish([candidate()])) == ["published"]
    assert statuses(publishing.publish([candidate(), candidate()])) == ["unchanged", "unchanged"]
    assert revisions(topic) == [(1, PROSE[0])]


def test_a_changed_text_is_the_next_revision_within_a_batch_too(publishing: Publishing, topic: MemoryTopic) -> None:
    steps = [candidate(PROSE[0]), candidate(PROSE[1]), candidate(PROSE[0])]
    assert statuses(publishing.publish(steps)) == ["published", "revised", "revised"]
    assert revisions(topic) == [(1, PROSE[0]), (2, PROSE[1]), (3, PROSE[0])]


def test_an_article_that_is_gone_is_retracted_once_and_published_again_when_it_is_back(
    publishing: Publishing, topic: MemoryTopic
) -> None:
    assert statuses(publishing.publish([GONE])) == ["unchanged"]
    assert statuses(publishing.publish([candidate(), GONE, GONE])) == ["published", "retracted", "unchanged"]
    assert statuses(publishing.publish([candidate()])) == ["revised"]
    retraction = topic.events[1]
    assert isinstance(retraction, Retraction)
    assert (retraction.article_id, retraction.reason) == (topic.events[0].article_id, "it answers 410")
    assert [event.revision for event in topic.events] == [1, 2, 3]


def test_an_article_too_large_for_kafka_is_rejected_and_the_others_published(
    publishing: Publishing, topic: MemoryTopic
) -> None:
    huge = candidate(key="huge")
    huge = Candidate(comparable(huge.found.article.model_copy(update={"body": "\x01" * 2_000_000})), huge.document)
    rejected, published = publishing.publish([huge, candidate()])
    assert "split it into articles" in str(rejected.error)
    assert published.status == "published"
    assert len(topic.events) == 1


def test_bad_input_is_rejected_with_its_reason(publishing: Publishing) -> None:
    [outcome] = publishing.publish([BadInputError("x", "it is empty")])
    assert (outcome.status, str(outcome.error)) == ("rejected", "x: it is empty")


def test_what_the_broker_did_not_take_is_neither_known_nor_remembered(
    publishing: Publishing, state: State, topic: MemoryTopic
) -> None:
    steps: list[Step] = [candidate(), Remember("feed", "etag", "1")]
    topic.broken = True
    with pytest.raises(BrokerUnavailableError):
        publishing.publish(steps)
    assert state.memory("feed") == {}
    topic.broken = False
    assert statuses(publishing.publish(steps)) == ["published"]
    assert state.memory("feed") == {"etag": "1"}


def test_what_the_broker_took_without_saying_so_is_not_published_again(
    publishing: Publishing, topic: MemoryTopic
) -> None:
    topic.mute = True
    with pytest.raises(BrokerUnavailableError):
        publishing.publish([candidate()])
    topic.mute = False
    assert statuses(publishing.publish([candidate()])) == ["unchanged"]
    assert len(topic.events) == 1


def test_what_others_published_in_the_meantime_counts(
    publishing: Publishing, topic: MemoryTopic, tmp_path: Path
) -> None:
    elsewhere = Publishing(State(tmp_path / "other.sqlite"), topic, lambda: READ_AT)
    elsewhere.catch_up()
    for text, revision in ((PROSE[0], 1), (PROSE[1], 2), (PROSE[0], 3)):
        [outcome] = (elsewhere if revision == 2 else publishing).publish([candidate(text)])
        assert outcome.revision == revision


def test_a_lost_or_damaged_state_is_rebuilt_from_the_topic(topic: MemoryTopic, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    for damage in (None, b"", b"no database" * 1000):
        if damage is not None:
            for file in tmp_path.iterdir():
                file.unlink()
            path.write_bytes(damage)
        state = State(path)
        publishing = Publishing(state, topic, lambda: READ_AT)
        publishing.catch_up()
        publishing.publish([candidate()])
        state.close()
    assert len(topic.events) == 1


def test_a_topic_that_lost_records_is_read_again_and_the_sources_asked_anew(
    publishing: Publishing, state: State, topic: MemoryTopic
) -> None:
    publishing.publish([candidate(), Remember("feed", "etag", "1")])
    topic.partitions = [[] for _ in topic.partitions]
    assert statuses(publishing.publish([candidate()])) == ["published"]
    assert state.memory("feed") == {}


def test_another_topic_is_read_from_its_beginning(publishing: Publishing, topic: MemoryTopic) -> None:
    publishing.publish([candidate(key="a")])
    topic.name = "two"
    topic.partitions = [[candidate(key="b").found.article.model_dump_json().encode()] for _ in topic.partitions]
    publishing.catch_up()
    assert statuses(publishing.publish([candidate(key="a"), candidate(key="b")])) == ["published", "unchanged"]


def test_a_preview_publishes_and_notes_nothing(publishing: Publishing, topic: MemoryTopic) -> None:
    for _ in range(2):
        assert statuses(publishing.preview([candidate(PROSE[0]), candidate(PROSE[1])])) == ["published", "revised"]
    assert topic.writes == 0


def test_two_processes_take_turns(publishing: Publishing, state: State, topic: MemoryTopic, tmp_path: Path) -> None:
    other = State(tmp_path / "state.sqlite", wait_seconds=0.05)
    with other.writing(), pytest.raises(TransientError, match="another process"):
        publishing.publish([candidate()])
    assert statuses(Publishing(other, topic, lambda: READ_AT).publish([candidate()])) == ["published"]
    assert statuses(publishing.publish([candidate()])) == ["unchanged"]
    other.close()


def test_an_older_revision_read_late_does_not_count(state: State) -> None:
    state.note("a", 2, "second")
    state.note("a", 1, "first")
    assert state.latest("a") == (2, "second")


def test_what_articles_were_found_in_is_kept_when_asked_for(state: State, topic: MemoryTopic) -> None:
    publishing = Publishing(state, topic, lambda: READ_AT, keep_raw=True)
    publishing.catch_up()
    publishing.publish([candidate(), candidate(key="b.txt"), candidate(PROSE[1], key="c.txt")])
    publishing.publish([candidate()])
    assert sorted(entry.value.decode() for entry in topic.others) == sorted(PROSE)
    assert {entry.key.decode() for entry in topic.others} == {
        event.raw_digest for event in topic.events if isinstance(event, Article)
    }


def test_what_is_too_large_to_be_kept_does_not_keep_its_article_from_being_published(
    state: State, topic: MemoryTopic
) -> None:
    publishing = Publishing(state, topic, lambda: READ_AT, keep_raw=True)
    publishing.catch_up()
    large = document(b" " * MAX_RECORD_BYTES)
    found = article().model_copy(update={"raw_digest": hashlib.sha256(large.content).hexdigest()})
    assert statuses(publishing.publish([Candidate(comparable(found), large)])) == ["published"]
    assert topic.others == []


def test_a_page_that_declares_another_address_is_retracted_when_it_is_gone_where_it_was_found(
    publishing: Publishing, topic: MemoryTopic
) -> None:
    found = document(PROSE[0], known=Known(url="https://x.example/today"))
    declared = article(PROSE[0], known=Known(url="https://x.example/2024/acme-opens-up"))
    gone = Gone("test", "a.txt", "a.txt", "https://x.example/today", "it answers 410")
    assert statuses(publishing.publish([Candidate(comparable(declared), found), gone])) == ["published", "retracted"]
    assert len({event.article_id for event in topic.events}) == 1


def test_what_an_article_was_found_in_is_kept_before_the_article_is(state: State, topic: MemoryTopic) -> None:
    written: list[str] = []

    class Watched(MemoryTopic):
        def write(self, entries: Sequence[Entry]) -> list[Place]:
            written.extend(entry.topic for entry in entries)
            raise BrokerUnavailableError("down")

    publishing = Publishing(state, Watched(), lambda: READ_AT, keep_raw=True)
    with pytest.raises(BrokerUnavailableError):
        publishing.publish([candidate()])
    assert written == [RAW_DOCUMENTS.name]


def test_a_full_disk_is_told_with_its_setting_and_publishing_goes_on_once_there_is_room(
    publishing: Publishing, state: State, topic: MemoryTopic
) -> None:
    (pages,) = state.connection.execute("PRAGMA page_count").fetchone()
    state.connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [candidate(f"{PROSE[0]}\n\nMore on page {number}.", key=f"{number}.txt") for number in range(100)]
    with pytest.raises(TransientError, match=r"full.*STANCE_DATA_DIR"):
        publishing.publish(many)
    state.connection.execute(f"PRAGMA max_page_count = {1000 * pages}")
    publishing.catch_up()
    publishing.publish(many)
    assert sorted(revisions(topic)) == sorted((1, each.found.article.body) for each in many)


def test_a_folder_that_cannot_be_made_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=r"STANCE_DATA_DIR"):
        State(tmp_path / "file" / "state.sqlite")
