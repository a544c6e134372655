"""Sentences and passages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance_service.passages import (
    CONTEXT_TOKENS,
    LONGEST_SENTENCE,
    PASSAGE_TOKENS,
    cut_passages,
    split_sentences,
)

LANGUAGES = st.sampled_from(["en", "de", "fr", "es", "it", "pt", "nl", "zh", "xx"])
PIECES = ("Dr. Vexholm", "U.S.", "«Non»,", "a" * 600, "\n\n", "said.", "3.5", "谷歌。", "…", "\x00")
TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400),
    st.lists(st.sampled_from(PIECES)).map(" ".join),
)
LENGTHS = st.lists(st.integers(min_value=1, max_value=141), max_size=60)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Dr. Vexholm left. She said no.", ["Dr. Vexholm left.", "She said no."]),
        ("en", "A headline\nA sentence.", ["A headline", "A sentence."]),
        ("de", "Das gilt z. B. für Meta. Das war es.", ["Das gilt z. B. für Meta.", "Das war es."]),
        ("fr", "«\u00a0Non\u00a0», a-t-elle dit. Il est parti.", ["«\u00a0Non\u00a0», a-t-elle dit.", "Il est parti."]),
        ("zh", "谷歌同意。微软拒绝。", ["谷歌同意。", "微软拒绝。"]),
        ("en", " \n\t\n", []),
    ],
)
def test_sentences_end_where_a_reader_sees_their_end(language: str, text: str, expected: list[str]) -> None:
    assert [text[s.start : s.end] for s in split_sentences(text, language)] == expected


@given(TEXTS, LANGUAGES)
def test_sentences_lie_in_the_text_in_order_and_cover_all_that_is_written(text: str, language: str) -> None:
    sentences = split_sentences(text, language)
    ends = [0, *(s.end for s in sentences)]
    for sentence, before in zip(sentences, ends, strict=False):
        assert before <= sentence.start < sentence.end <= len(text)
        assert sentence.end - sentence.start <= LONGEST_SENTENCE
        piece = text[sentence.start : sentence.end]
        assert piece == piece.strip()
    covered = "".join(text[s.start : s.end] for s in sentences)
    assert re.sub(r"\s", "", covered) == re.sub(r"\s", "", text)


@given(LENGTHS, st.sampled_from([(0, 1), (0,), ()]))
def test_every_sentence_is_the_focus_of_one_passage(lengths: list[int], lead: tuple[int, ...]) -> None:
    passages = cut_passages(lengths, lead)
    assert [i for p in passages for i in p.focus] == list(range(len(lengths)))
    for passage in passages:
        assert passage.focus
        assert list(passage.sentences) == sorted(set(passage.sentences))
        assert all(i < passage.focus[0] for i in passage.context)
        assert sum(lengths[i] for i in passage.context) <= CONTEXT_TOKENS
        assert sum(lengths[i] for i in passage.sentences) <= PASSAGE_TOKENS


def test_the_context_is_the_sentence_before_and_the_lead() -> None:
    passages = cut_passages([30] * 30, (0, 1))
    assert passages[0].context == ()
    assert passages[-1].context == (0, 1, passages[-1].focus[0] - 1)
