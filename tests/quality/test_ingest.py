"""What ingest recognises, against pinned floors. Lowering a floor is a commit of its own, and says why."""

import hashlib
from functools import cache
from statistics import mean

import pytest

from benchmarks import dedupe, extract
from benchmarks.dedupe import Score

GENERATED = {  # recall by way of copying
    "headline_and_byline": 0.98,
    "truncated": 0.95,
    "paragraphs_dropped": 0.95,
    "boilerplate_inserted": 0.98,
    "lightly_edited": 0.95,
    "everything": 0.76,
    "article": 0.97,
}
COPIES_DIGEST = "b1be6f56ddc0e4eadc98998b7c639efc535421448a79a7739e601bc6ef0b989d"
EXTRACTION = {"f1": 0.998, "precision": 0.998, "recall": 0.998}
"""On constructed pages that the rules were made with: what falls below is broken."""
WORST_LAYOUT = 0.99


@cache
def generated() -> dict[str, Score]:
    return dedupe.generated(dedupe.bodies())


@pytest.mark.parametrize("way", GENERATED)
def test_generated_copies_are_found(way: str) -> None:
    assert generated()[way].recall >= GENERATED[way]


def test_no_text_is_taken_for_a_copy_of_another_story() -> None:
    assert all(score.precision == 1.0 for score in generated().values())


def test_hand_made_copies_are_told_from_texts_that_come_close() -> None:
    data = (dedupe.ROOT / "benchmarks" / "data" / "copies.yaml").read_bytes()
    assert hashlib.sha256(data).hexdigest() == COPIES_DIGEST, "the pairs have changed: look at the floors again"
    found = dedupe.score(dedupe.handmade(), dedupe.found_in_index)
    assert (found.precision, found.recall) == (1.0, 1.0)


@cache
def extracted() -> dict[extract.Page, extract.Score]:
    return extract.scores(extract.ours, extract.pages())


@pytest.mark.parametrize("measure", EXTRACTION)
def test_articles_are_found_in_constructed_pages(measure: str) -> None:
    assert mean(getattr(score, measure) for score in extracted().values()) >= EXTRACTION[measure]


def test_no_layout_and_no_language_is_left_behind() -> None:
    worst = {name: f1 for kind in ("layout", "language") for name, f1 in extract.by(kind, extracted()).items()}
    assert {name: f1 for name, f1 in worst.items() if f1 < WORST_LAYOUT} == {}
