"""Cut an article into sentences, and sentences into passages that the model reads at once. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

LONGEST_SENTENCE = 500
"""Characters; text without punctuation is cut here, so that no sentence exceeds a passage."""
PASSAGE_TOKENS = 240
CONTEXT_TOKENS = 96

_LINE = re.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text[start:end]` without surrounding white space; never empty."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Indices of the sentences that the model reads together: `context` to understand, `focus` to judge."""

    context: tuple[int, ...]
    focus: tuple[int, ...]

    @property
    def sentences(self) -> tuple[int, ...]:
        return self.context + self.focus


def split_sentences(text: str, language: str) -> list[Sentence]:
    """The sentences of a text in order; a line break always ends one."""
    found: list[Sentence] = []
    for line in _LINE.finditer(text):
        for boundary in get_sentence_boundaries(language, line[0]):
            start, end = line.start() + boundary["start_index"], line.start() + boundary["end_index"]
            found.extend(_pieces(text, start, end))
    return found


def _pieces(text: str, start: int, end: int) -> Iterator[Sentence]:
    while end - start > LONGEST_SENTENCE:
        cut = text.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
        cut = cut if cut > 0 else start + LONGEST_SENTENCE
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    if start < end:
        yield Sentence(start, end)


def cut_passages(lengths: Sequence[int], lead: Iterable[int] = (0, 1)) -> list[Passage]:
    """Group sentences of the given token lengths into passages of at most PASSAGE_TOKENS.

    Every sentence is the focus of exactly one passage. Its context are the `lead` sentences (title, first
    sentence: they name the main actors) and as many of those before it as CONTEXT_TOKENS hold.
    """
    lead = tuple(lead)
    found, first = [], 0
    while first < len(lengths):
        context = _context(lengths, first, lead)
        budget = PASSAGE_TOKENS - sum(lengths[i] for i in context)
        last = first + 1
        while last < len(lengths) and sum(lengths[first : last + 1]) <= budget:
            last += 1
        found.append(Passage(context, tuple(range(first, last))))
        first = last
    return found


def _context(lengths: Sequence[int], first: int, lead: tuple[int, ...]) -> tuple[int, ...]:
    chosen: set[int] = set()
    room = CONTEXT_TOKENS
    recent = list(range(first - 1, -1, -1))
    for index in (*recent[:1], *(i for i in lead if i < first), *recent[1:]):
        if index in chosen:
            continue
        if lengths[index] > room:
            break
        chosen.add(index)
        room -= lengths[index]
    return tuple(sorted(chosen))
