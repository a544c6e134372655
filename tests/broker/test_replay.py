"""Replays of what lies on a real broker."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from shared import broker, topics
from shared.events import Observation, Polarity, StanceChange, Timeline, Withdrawal
from shared.settings import BrokerSettings
from stance_service import build
from stance_service.belief import Parameters
from stance_service.classifiers.base import ArticleText
from stance_service.observe import events, statements
from stance_service.replay.filling import fill
from stance_service.replay.plan import Plan, Source
from stance_service.replay.processes import Tick
from stance_service.replay.ranges import Asked, RangeError
from stance_service.replay.refolding import Partition
from stance_service.replay.rereading import Selection
from stance_service.replay.run import Outcome, Replay
from stance_service.replay.shadow import Shadow, ShadowError
from stance_service.scanning import ends
from tests.broker.test_feed import track_all
from tests.broker.test_transactions import history
from tests.broker.topic_io import DEADLINE, publish, read, write
from tests.ingest_process import environment
from tests.replay.articles import Saying, article
from tests.stances import NOON, article_id, observation

pytestmark = pytest.mark.broker
AXES = ("openness", "profit")
OPEN: dict[str, Polarity] = {"a": 1, "b": 1, "c": 1}


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Tick]:
        yield lambda _: None


def plan(settings: BrokerSettings, source: Source = "stance.observations.v1", **fields: object) -> Plan:
    observations = Asked(settings.topic(topics.OBSERVATIONS)).resolve(settings)
    default = {
        "source": source,
        "articles": Asked(settings.topic(topics.ARTICLES)).resolve(settings) if source == "articles.v1" else {},
        "observations": observations,
        "actor": None,
        "article": None,
        "parameters": Parameters(),
        "axes": AXES,
        "classifier": None,
    }
    return Plan.model_validate({**default, **fields})


def replayed(
    settings: BrokerSettings, asked: Plan, shadow: Shadow | None = None, workers: int = 1, article: str | None = None
) -> Outcome:
    selection = Selection(article)
    return Replay(settings, asked, selection, workers, Silent(), shadow).run(compare=True)


def recorded(settings: BrokerSettings, records: list[Observation | Withdrawal]) -> BrokerSettings:
    publish(settings, records)
    track_all(settings)
    return settings


def values(settings: BrokerSettings, topic: topics.Topic) -> list[bytes]:
    return sorted(each.value or b"" for each in read(settings, topic))


def change_ids(settings: BrokerSettings) -> set[str]:
    return {StanceChange.model_validate_json(each).id for each in values(settings, topics.CHANGES)}


def last_timelines(settings: BrokerSettings) -> dict[bytes | None, bytes | None]:
    return {each.key: each.value for each in read(settings, topics.POSITIONS)}


def test_the_same_parameters_bring_about_what_was_recorded(kafka: BrokerSettings) -> None:
    outcome = replayed(recorded(kafka, history(200)), plan(kafka))
    assert (outcome.records, outcome.differences) == (len(history(200)), [])
    assert outcome.changes == len(read(kafka, topics.CHANGES))


def test_a_range_is_compared_with_what_was_recorded_of_it(kafka: BrokerSettings) -> None:
    recorded(kafka, history(200))
    spans = {
        number: (end // 2, end * 3 // 4) for number, (_, end) in ends(kafka, kafka.topic(topics.OBSERVATIONS)).items()
    }
    outcome = replayed(kafka, plan(kafka, observations=spans))
    assert (outcome.records, outcome.differences) == (sum(end - first for first, end in spans.values()), [])
    assert 0 < outcome.changes < len(read(kafka, topics.CHANGES))
    assert outcome.went_on > 0


def test_other_parameters_differ_and_are_named_as_the_reason(kafka: BrokerSettings) -> None:
    recorded(kafka, [observation(+1, confidence=0.9)])
    outcome = replayed(kafka, plan(kafka, parameters=Parameters(enter=0.95)))
    kinds = sorted((each.of, each.kind.value, *each.why) for each in outcome.differences if each.of == "change")
    why = f"parameters {Parameters().version}, now {Parameters(enter=0.95).version}"
    assert kinds == [("change", "missing", why)]


def test_a_shadow_holds_what_production_holds_and_production_is_left_alone(kafka: BrokerSettings) -> None:
    recorded(kafka, history(100))
    before, groups = {topic: ends(kafka, kafka.topic(topic)) for topic in topics.TOPICS}, groups_of(kafka)
    shadow = Shadow.of(kafka, f"{kafka.kafka_topic_prefix}replay.")
    outcome = replayed(kafka, shadow.begin(plan(kafka)), shadow, workers=2)
    assert outcome.differences == []
    for topic in (topics.OBSERVATIONS, topics.CHANGES):
        assert values(shadow.settings, topic) == values(kafka, topic)
    assert last_timelines(shadow.settings) == last_timelines(kafka)
    assert {topic: ends(kafka, kafka.topic(topic)) for topic in topics.TOPICS} == before
    assert {each for each in groups_of(kafka) if not each.startswith(shadow.settings.kafka_topic_prefix)} == groups


def groups_of(settings: BrokerSettings) -> set[str]:
    """Those of the test's own topics."""
    found = broker.inspector(settings).list_consumer_groups().result(30).valid
    return {each.group_id for each in found if each.group_id.startswith(settings.kafka_topic_prefix)}


def test_a_shadow_of_a_range_announces_what_was_announced_in_it(kafka: BrokerSettings) -> None:
    recorded(kafka, history(100))
    spans = {number: (end // 2, end) for number, (_, end) in ends(kafka, kafka.topic(topics.OBSERVATIONS)).items()}
    shadow = Shadow.of(kafka, f"{kafka.kafka_topic_prefix}replay.")
    replayed(kafka, shadow.begin(plan(kafka, observations=spans)), shadow)
    announced, all_of_them = change_ids(shadow.settings), change_ids(kafka)
    assert set() < announced < all_of_them


def test_a_shadow_that_was_stopped_goes_on_where_it_stopped(kafka: BrokerSettings) -> None:
    recorded(kafka, history(100))
    shadow = Shadow.of(kafka, f"{kafka.kafka_topic_prefix}replay.")
    asked = shadow.begin(plan(kafka))
    numbers = sorted(asked.observations)
    for number in numbers[:2]:
        end = asked.observations[number][1]
        part = asked.model_copy(update={"observations": {**asked.observations, number: (0, end // 2)}})
        fill(shadow, Partition(kafka, part, number), {}, lambda _: None)
    begun = sum(end for _, end in ends(shadow.settings, shadow.settings.topic(topics.OBSERVATIONS)).values())
    assert begun > 0
    assert shadow.begin(plan(kafka)) == asked
    replayed(kafka, asked, shadow)
    assert values(shadow.settings, topics.OBSERVATIONS) == values(kafka, topics.OBSERVATIONS)
    assert values(shadow.settings, topics.CHANGES) == values(kafka, topics.CHANGES)


def test_a_shadow_is_continued_only_as_it_was_begun(kafka: BrokerSettings) -> None:
    recorded(kafka, [observation()])
    shadow = Shadow.of(kafka, f"{kafka.kafka_topic_prefix}replay.")
    shadow.begin(plan(kafka))
    with pytest.raises(ShadowError, match="was begun as another replay: parameters are not the same"):
        shadow.begin(plan(kafka, parameters=Parameters(enter=0.8)))


def test_topics_that_are_no_replays_are_left_alone(kafka: BrokerSettings) -> None:
    with pytest.raises(ShadowError, match="that is production's own prefix"):
        Shadow.of(kafka, kafka.kafka_topic_prefix)
    other = BrokerSettings.model_validate({**kafka.model_dump(), "kafka_topic_prefix": f"{kafka.kafka_topic_prefix}x."})
    broker.create_topics(other, [topics.OBSERVATIONS])
    publish(kafka, [observation()])
    with pytest.raises(ShadowError, match="exist and are no replay's; choose another prefix"):
        Shadow.of(kafka, other.kafka_topic_prefix).begin(plan(kafka))


def test_a_range_without_data_and_one_beyond_the_end_are_refused(kafka: BrokerSettings) -> None:
    topic = kafka.topic(topics.OBSERVATIONS)
    with pytest.raises(RangeError, match="has no records in that range; it goes from 0/0 to 0/0"):
        Asked(topic).resolve(kafka)
    publish(kafka, [observation()])
    with pytest.raises(RangeError, match="has no records in that range"):
        Asked(topic, start=NOON + timedelta(days=36500)).resolve(kafka)
    with pytest.raises(RangeError, match="0/1000: partition 0 ends at offset"):
        Asked(topic, start={0: 1000}).resolve(kafka)
    with pytest.raises(RangeError, match="9/0: partition 9 is none of 6"):
        Asked(topic, start={9: 0}).resolve(kafka)


def test_times_are_those_at_which_records_were_written(kafka: BrokerSettings) -> None:
    topic = kafka.topic(topics.OBSERVATIONS)
    publish(kafka, [observation(article=str(number)) for number in range(3)])
    (written, *_) = [each.written_at_ms for each in read(kafka, topics.OBSERVATIONS)]
    at = NOON.fromtimestamp(written / 1000, NOON.tzinfo)
    assert Asked(topic, start=at - timedelta(seconds=1)).resolve(kafka) == Asked(topic).resolve(kafka)
    with pytest.raises(RangeError, match="no records"):
        Asked(topic, end=at - timedelta(seconds=1)).resolve(kafka)


def test_what_retention_has_dropped_is_named_and_never_left_out(kafka: BrokerSettings) -> None:
    publish(kafka, [observation(article=str(number)) for number in range(10)])
    topic = kafka.topic(topics.OBSERVATIONS)
    (partition,) = {each.partition for each in read(kafka, topics.OBSERVATIONS)}
    place = TopicPartition(topic, partition, 4)
    admin = broker.inspector(kafka)
    admin.delete_records([place])[place].result(DEADLINE)
    for start in (None, NOON, {partition: 2}):
        with pytest.raises(RangeError, match=rf"partition {partition} begins only at offset 4"):
            Asked(topic, start=start).resolve(kafka)


def observed(settings: BrokerSettings, classifier: Saying, *names: str) -> None:
    """As `observe` would have read the articles."""
    articles = [article(name) for name in names]
    write(settings, topics.ARTICLES, [(each.article_id, each.model_dump_json()) for each in articles])
    for each in articles:
        text = ArticleText(each.title, each.body, "en")
        (judged,) = classifier.classify([text])
        found = statements(text, each.published_at.date(), judged)
        publish(settings, events(each, found, (), classifier.version, NOON + timedelta(minutes=5)))
    track_all(settings)


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> Callable[[Saying], Saying]:
    """Has replays read with another classifier."""

    def use(other: Saying) -> Saying:
        monkeypatch.setattr(build, "classifier", lambda _: other)
        return other

    return use


def test_articles_that_show_the_same_again_change_nothing(
    kafka: BrokerSettings, classifier: Callable[[Saying], Saying]
) -> None:
    observed(kafka, classifier(Saying("one", OPEN)), "a", "b", "c")
    outcome = replayed(kafka, plan(kafka, "articles.v1"))
    assert (outcome.articles, outcome.differences) == (3, [])


def test_another_classifier_differs_and_its_observations_are_named_as_the_reason(
    kafka: BrokerSettings, classifier: Callable[[Saying], Saying]
) -> None:
    observed(kafka, Saying("one", OPEN), "a", "b", "c")
    classifier(Saying("two", {"a": -1, "b": -1, "c": -1}))
    found = replayed(kafka, plan(kafka, "articles.v1")).differences
    assert {(each.of, each.kind.value) for each in found} >= {("observation", "changed"), ("change", "changed")}
    (changed,) = [each for each in found if each.of == "change"]
    assert changed.fields["after"] == (1, -1)
    assert sum("observation changed: polarity 1 → -1" in why for why in changed.why) == 3


def test_one_article_is_read_again_among_all_others(
    kafka: BrokerSettings, classifier: Callable[[Saying], Saying]
) -> None:
    observed(kafka, Saying("one", OPEN), "a", "b", "c")
    other = classifier(Saying("two", {}))
    outcome = replayed(kafka, plan(kafka, "articles.v1", article=article_id("b")), article=article_id("b"))
    assert other.read == ["OpenAI on b."]
    assert {(each.of, each.kind.value) for each in outcome.differences} >= {
        ("observation", "missing"),
        ("position", "changed"),
    }


def test_articles_read_before_the_stop_are_not_read_again(
    kafka: BrokerSettings, classifier: Callable[[Saying], Saying]
) -> None:
    observed(kafka, Saying("one", OPEN), "a", "b", "c")
    shadow = Shadow.of(kafka, f"{kafka.kafka_topic_prefix}replay.")
    asked = shadow.begin(plan(kafka, "articles.v1"))
    first = classifier(Saying("two", {"a": -1}))
    replayed(kafka, asked, shadow)
    again = classifier(Saying("two", {"a": -1}))
    replayed(kafka, asked, shadow)
    assert (len(first.read), again.read) == (3, [])
    shown = [Observation.model_validate_json(each.value or b"") for each in read(shadow.settings, topics.OBSERVATIONS)]
    assert [(each.article_id, each.polarity, each.classifier) for each in shown] == [(article_id("a"), -1, "two")]
    (known,) = [Timeline.model_validate_json(each or b"") for each in last_timelines(shadow.settings).values()]
    assert known.positions[0].polarity == -1


def test_an_article_that_the_classifier_fails_on_is_named(
    kafka: BrokerSettings, classifier: Callable[[Saying], Saying]
) -> None:
    observed(kafka, Saying("one", OPEN), "a", "b", "c")
    classifier(Saying("two", OPEN, bad="b"))
    (unread,) = replayed(kafka, plan(kafka, "articles.v1")).unread
    assert (unread.article_id, unread.failure) == (article_id("b"), "the classifier failed: ValueError")


def command(settings: BrokerSettings, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stance_service", "replay", *map(str, arguments)],
        env={**environment(settings), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_tells_what_differs_and_writes_it_down(kafka: BrokerSettings, tmp_path: Path) -> None:
    recorded(kafka, history(50))
    same = command(kafka, "--compare", "--actor", "actor-1")
    assert (same.returncode, "Nothing differs from what was recorded" in same.stdout) == (0, True), same.stderr
    other = command(
        kafka, "--set", "STANCE_TRACK_ENTER=0.8", "--compare", "--report", tmp_path / "all.json", "--workers", "2"
    )
    assert (other.returncode, "positions changed" in other.stdout) == (0, True), other.stderr
    assert '"enter": 0.8' in (tmp_path / "all.json").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "soon"], "--from 'soon' is neither a date"),
        (
            ["--set", "STANCE_KAFKA_TOPIC_PREFIX=x"],
            "--set STANCE_KAFKA_TOPIC_PREFIX: give NAME=VALUE, NAME being one of",
        ),
        (["--set", "STANCE_TRACK_ENTER=2"], "STANCE_TRACK_ENTER: Input should be less than 1"),
        (["--compare", "--actor", "nobody"], "has nothing of actor nobody in that range"),
        (["--compare", "--article", "0" * 64], f"has nothing of article {'0' * 64} in that range"),
        (["articles.v1"], "has no records in that range"),
    ],
)
def test_what_is_wrong_is_named(kafka: BrokerSettings, options: list[str], said: str) -> None:
    publish(kafka, [observation()])
    ended = command(kafka, *options)
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
