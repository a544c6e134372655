"""The shipped model against pinned floors. Lowering a floor is a commit of its own, and says why."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from stance_service.build import classifier
from stance_service.settings import ClassifierSettings
from training.evaluate import Record, polarity_right, predict, read, scores

DATA = Path(__file__).parents[2] / "training" / "data"
DIGESTS = {
    "dev.jsonl": "3677c3b59102ffa234f91f5f1b900f93e2594b646b6f98be59b23a1837787c49",
    "seeds.jsonl": "3ed333e0ae21312ebb29b6578db3e4638b397db44d943fc3c46a45835ce3fdbe",
}

FLOORS = {"own": 0.67, "language en": 0.69, "language de": 0.55, "actors with a position": 0.79, "alleged": 0.37}
POLARITY_FLOOR = 0.92
YEAR_FLOOR = 0.80
FALSE_CEILING = 1.1

SEEDS_SHOW = {
    ("seed-000", "elon-musk", "openness", 1),
    ("seed-000", "openai", "openness", -1),
    ("seed-000", "openai", "profit", 1),
    ("seed-001", "elon-musk", "openness", 1),
    ("seed-001", "elon-musk", "profit", -1),
    ("seed-001", "openai", "openness", -1),
    ("seed-001", "google", "openness", -1),
    ("seed-001", "meta", "openness", 1),
    ("seed-001", "ibm", "openness", 1),
    ("seed-002", "elon-musk", "openness", -1),
    ("seed-002", "openai", "openness", 1),
    ("seed-003", "openai", "openness", 1),
    ("seed-003", "openai", "profit", -1),
    ("seed-003", "sam-altman", "openness", 1),
    ("seed-004", "elon-musk", "openness", 1),
    ("seed-004", "elon-musk", "openness", -1),
    ("seed-004", "elon-musk", "profit", 1),
    ("seed-004", "elon-musk", "profit", -1),
    ("seed-004", "ilya-sutskever", "openness", -1),
}
"""(article, actor, axis, polarity) that a careful reader finds in the seeds, as own positions."""

NOT_YET = {("seed-004", "ilya-sutskever", "openness", -1)}
"""Of those, what this model misses. A better model makes these tests fail: take them out then."""


def articles(name: str) -> list[Record]:
    path = DATA / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == DIGESTS[name], f"{name} changed: measure anew, pin anew"
    return read(path)


@pytest.fixture(scope="module")
def dev() -> tuple[list[Record], list[Record]]:
    gold = articles("dev.jsonl")
    return gold, predict(classifier(ClassifierSettings()), gold)


@pytest.fixture(scope="module")
def seeds() -> dict[str, list[dict[str, Any]]]:
    gold = articles("seeds.jsonl")
    return {r["id"]: r["statements"] for r in predict(classifier(ClassifierSettings()), gold)}


@pytest.mark.parametrize(("figure", "floor"), FLOORS.items())
def test_f1_keeps_its_floor(dev: tuple[list[Record], list[Record]], figure: str, floor: float) -> None:
    assert scores(*dev)[figure]["f1"] >= floor


def test_the_sign_of_found_positions_is_right(dev: tuple[list[Record], list[Record]]) -> None:
    right, total = polarity_right(*dev)
    assert right / total >= POLARITY_FLOOR


def test_the_year_of_found_positions_is_right(dev: tuple[list[Record], list[Record]]) -> None:
    assert scores(*dev)["held_at year right"] >= YEAR_FLOOR


def test_articles_without_a_position_yield_few(dev: tuple[list[Record], list[Record]]) -> None:
    assert scores(*dev)["false positives per empty article"] <= FALSE_CEILING


@pytest.mark.parametrize("position", sorted(SEEDS_SHOW), ids=str)
def test_the_seeds_show_who_stood_where(
    seeds: dict[str, list[dict[str, Any]]], position: tuple[str, str, str, int]
) -> None:
    article, *_ = position
    own = {(article, s["actor"], s["axis"], s["polarity"]) for s in seeds[article] if s["basis"] != "alleged"}
    assert (position in own) == (position not in NOT_YET)


@pytest.mark.parametrize("clutter", ["Share on", "Leave a Comment", "Rate this", "Your email address", "Skip to main"])
def test_the_clutter_of_scraped_pages_yields_nothing(seeds: dict[str, list[dict[str, Any]]], clutter: str) -> None:
    assert clutter not in json.dumps(seeds, ensure_ascii=False)


def test_evidence_is_verbatim(dev: tuple[list[Record], list[Record]]) -> None:
    for gold, predicted in zip(*dev, strict=True):
        assert all(s["evidence"] in gold["body"] for s in predicted["statements"])
