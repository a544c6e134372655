"""Events that earlier versions wrote stay readable, and their readers can read ours."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.events import (
    ARTICLE_EVENT,
    OBSERVATION_EVENT,
    ChangeKind,
    Checkpoint,
    ObservedArticle,
    StanceChange,
    Timeline,
)
from shared.topics import TOPICS
from tests.contract.compatibility import breaks

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "golden"
EVENTS = sorted((GOLDEN / "events").glob("*/*.json"))
SCHEMAS = sorted((GOLDEN / "schemas").glob("*.json"))
READERS: dict[str, TypeAdapter[Any]] = {
    "articles.v1": ARTICLE_EVENT,
    "stance.observations.v1": OBSERVATION_EVENT,
    "stance.observed-articles.v1": TypeAdapter(ObservedArticle),
    "stance.positions.v1": TypeAdapter(Timeline),
    "stance.changes.v1": TypeAdapter(StanceChange),
    "stance.checkpoints.v1": TypeAdapter(Checkpoint),
}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_event_of_an_earlier_version_is_read_whole(path: Path) -> None:
    reader, written = READERS[path.parent.name], json.loads(path.read_text())
    event = reader.validate_json(path.read_bytes())
    assert reader.dump_python(event, mode="json", exclude_unset=True) == written


def test_every_topic_and_every_type_of_event_has_a_golden_one() -> None:
    assert {path.stem for path in SCHEMAS} == {topic.name for topic in TOPICS} == set(READERS)
    types = {json.loads(path.read_text())["type"] for path in EVENTS if path.parent.name != "stance.changes.v1"}
    assert types == {"article", "retraction", "observation", "withdrawal", "observed_article", "timeline", "checkpoint"}
    kinds = {path.stem.removesuffix("-chained") for path in EVENTS if path.parent.name == "stance.changes.v1"}
    assert kinds == set(ChangeKind)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_only_gains_optional_fields(path: Path) -> None:
    today = json.loads((ROOT / "docs" / "schemas" / path.name).read_text())
    assert breaks(json.loads(path.read_text()), today) == [], "make a new version of the topic"


def change_schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "schemas" / "stance.changes.v1.json").read_text())
    return found


def removed(schema: dict[str, Any]) -> None:
    del schema["properties"]["effective_at"]


def retyped(schema: dict[str, Any]) -> None:
    schema["$defs"]["Cause"]["properties"]["confidence"]["type"] = "string"


def required(schema: dict[str, Any]) -> None:
    schema["properties"]["model"] = {"type": "string"}
    schema["required"].append("model")


def no_longer_required(schema: dict[str, Any]) -> None:
    schema["required"].remove("causes")


def another_kind(schema: dict[str, Any]) -> None:
    schema["$defs"]["ChangeKind"]["enum"].append("guess")


@pytest.mark.parametrize("breaking", [removed, retyped, required, no_longer_required, another_kind])
def test_what_would_break_readers_is_told(breaking: Callable[[dict[str, Any]], None]) -> None:
    changed = deepcopy(change_schema())
    breaking(changed)
    assert breaks(change_schema(), changed)


def test_an_optional_field_and_other_words_break_nobody() -> None:
    changed = deepcopy(change_schema())
    changed["properties"]["hint"] = {"type": "string", "default": ""}
    changed["description"] = "Other words."
    assert breaks(change_schema(), changed) == []
