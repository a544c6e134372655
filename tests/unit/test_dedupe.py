"""Families of copies: who leads them, and that they survive a restart and a rebuild."""

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.dedupe import bodies
from ingest_service.dedupe import Duplicates
from ingest_service.similarity import sketch
from shared.events import Article
from tests.documents import READ_AT, article

TEXTS = bodies()[:6]


def published(index: Duplicates, *articles: Article) -> list[Article]:
    """The articles as they go to the topic."""
    taken = []
    for one in articles:
        text = sketch(one.body)
        taken.append(one.model_copy(update={"duplicate_of": index.original(one.article_id, text)}))
        index.add(taken[-1], text)
    return taken


def written(text: str, key: str, minutes: int = 0) -> Article:
    return article(text, key=key).model_copy(update={"observed_at": READ_AT + timedelta(minutes=minutes)})


@pytest.fixture
def index() -> Duplicates:
    return Duplicates(sqlite3.connect(":memory:"))


def test_a_copy_names_the_first_of_its_family(index: Duplicates) -> None:
    first, other, copy, copy_of_copy = published(
        index,
        *(
            written(TEXTS[at], key, minutes)
            for minutes, (at, key) in enumerate([(0, "a"), (1, "b"), (0, "c"), (0, "d")])
        ),
    )
    assert (first.duplicate_of, other.duplicate_of) == (None, None)
    assert copy.duplicate_of == copy_of_copy.duplicate_of == first.article_id


def test_a_revision_is_no_copy_of_its_own_article_nor_of_its_copies(index: Duplicates) -> None:
    first, copy, again = published(index, *(written(TEXTS[0], key) for key in ("a", "b", "a")))
    assert copy.duplicate_of == first.article_id
    assert again.duplicate_of is None


def test_a_revision_of_a_copy_stays_in_its_family(index: Duplicates) -> None:
    first, _, again = published(
        index, written(TEXTS[0], "a"), written(TEXTS[0], "b"), written(f"{TEXTS[0]}\n\nMore follows.", "b")
    )
    assert again.duplicate_of == first.article_id


def test_a_copy_of_a_text_that_was_corrected_since_is_a_copy(index: Duplicates) -> None:
    first, _, copy = published(index, written(TEXTS[0], "a"), written(TEXTS[1], "a"), written(TEXTS[0], "b"))
    assert copy.duplicate_of == first.article_id


def test_a_few_words_are_nobody_s(index: Duplicates) -> None:
    copies = published(index, *(written("No comment was to be had.", key) for key in "ab"))
    assert [copy.duplicate_of for copy in copies] == [None, None]


def test_a_thousand_copies_take_the_room_of_one() -> None:
    connection = sqlite3.connect(":memory:")
    published(Duplicates(connection), *(written(TEXTS[0], str(number)) for number in range(1000)))
    assert connection.execute("SELECT count(*) FROM texts").fetchone() == (1,)


def test_the_index_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    with sqlite3.connect(path) as before:
        [first] = published(Duplicates(before), written(TEXTS[0], "a"))
    with sqlite3.connect(path) as after:
        [copy] = published(Duplicates(after), written(TEXTS[0], "b"))
    assert copy.duplicate_of == first.article_id


def test_the_index_says_nothing_of_a_topic_that_is_no_longer_read(index: Duplicates) -> None:
    published(index, written(TEXTS[0], "a"))
    index.clear()
    assert published(index, written(TEXTS[0], "b"))[0].duplicate_of is None


@given(st.lists(st.sampled_from(range(len(TEXTS))), max_size=12), st.randoms())
def test_a_rebuilt_index_decides_alike_in_whatever_order_the_partitions_are_read(order: Sequence[int], random) -> None:  # type: ignore[no-untyped-def]
    live = Duplicates(sqlite3.connect(":memory:"))
    taken = published(live, *(written(TEXTS[at], str(number), number) for number, at in enumerate(order)))
    rebuilt = Duplicates(sqlite3.connect(":memory:"))
    for one in random.sample(taken, len(taken)):
        rebuilt.add(one, sketch(one.body))
    for number, text in enumerate(TEXTS):
        new = article(text, key=f"new {number}").article_id, sketch(text)
        assert rebuilt.original(*new) == live.original(*new)


@given(st.text())
def test_any_text_has_a_sketch_that_is_covered_by_itself_or_none(text: str) -> None:
    found = sketch(text)
    assert found is None or found.covered_by(found) == 1.0
