"""The reading half of the shipped model: passages, names and the actors they belong to.

Each passage runs alone, several at a time on threads: no padding, and what a passage yields does not depend
on what else is read with it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from stance_service.actors.names import CastMember, Kind, NameSpan, cast_of
from stance_service.actors.registry import Registry
from stance_service.classifiers.artefact import Floats, load_tokenizer, session, sigmoid, softmax, verified_settings
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.passages import Passage, Sentence, cut_passages, split_sentences

MAX_SENTENCE_TOKENS = 140
MAX_ACTORS_IN_PASSAGE = 10
KEPT_PASSAGES = 64
"""Longer articles are encoded twice rather than kept in memory."""
ARTICLES_AT_ONCE = 16

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Reading:
    """One article cut into passages of token ids."""

    def __init__(self, text: ArticleText, tokenizer: Any, marker: int) -> None:
        pieces = split_sentences(text.body, text.language)
        self.titled = bool(text.title.strip())
        head = [text.title] if self.titled else []
        self.spans: list[Sentence | None] = [*([None] if self.titled else []), *pieces]
        self.sentences = head + [text.body[p.start : p.end] for p in pieces]
        self.ids, self.offsets = _tokens(tokenizer, self.sentences)
        lengths = [len(i) + 1 for i in self.ids]
        self.passages = cut_passages(lengths, (0, 1) if self.titled else (0,))
        self.marker = marker
        self.edges: tuple[int, int] = (tokenizer.bos_token_id, tokenizer.eos_token_id)

    def tokens(self, passage: Passage) -> list[int]:
        """Each sentence after its marker, between the edges."""
        ids = [self.edges[0]]
        for index in passage.sentences:
            ids += [self.marker, *self.ids[index]]
        return [*ids, self.edges[1]]

    def markers(self, passage: Passage) -> list[int]:
        """The position of each sentence's marker, in the order of `passage.sentences`."""
        positions, at = [], 1
        for index in passage.sentences:
            positions.append(at)
            at += 1 + len(self.ids[index])
        return positions


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """What the lower half says of a passage; `hidden` None: to be encoded again."""

    passage: Passage
    hidden: Floats | None
    names: tuple[NameSpan, ...]
    relevance: float  # the probability that a sentence in focus shows a position on a trained axis


@dataclass(frozen=True, slots=True)
class ReadArticle:
    """An article's passages and the actors they name, most often named first."""

    reading: Reading
    passages: Sequence[ReadPassage]
    cast: Sequence[CastMember]

    named: Mapping[int, Sequence[tuple[CastMember, NameSpan]]]  # by sentence

    def present(self, passage: Passage) -> list[CastMember]:
        """The actors that a passage names, as many as are judged."""
        slugs = {m.slug: m for i in passage.sentences for m, _ in self.named.get(i, ())}
        return sorted(slugs.values(), key=lambda m: (-len(m.spans), m.slug))[:MAX_ACTORS_IN_PASSAGE]


class Reader:
    """Loads and verifies a model directory; raises ModelError naming the file that is wrong."""

    def __init__(self, registry: Registry, directory: Path | None = None) -> None:
        self.directory = directory or self.shipped_directory()
        self.settings = verified_settings(self.directory)
        self.registry = registry
        self.tokenizer = load_tokenizer(self.directory)
        self.lower = session(self.directory / "lower.onnx")
        _tokens(self.tokenizer, ["Sets truncation, which threads must not do at the same time."])

    @staticmethod
    def shipped_directory() -> Path:
        """Where the model that comes with the code is."""
        return Path(str(resources.files("stance_service").joinpath("models/embedded")))

    def read(self, text: ArticleText, run: Callable[..., Iterable[Any]] = map) -> ReadArticle:
        """Passages, names and cast; `run` maps over the passages."""
        reading = Reading(text, self.tokenizer, self.settings.marker)
        passages: list[ReadPassage] = list(run(lambda p: self._read(reading, p), reading.passages))
        cast = cast_of([n for p in passages for n in p.names], self.registry)
        named: dict[int, list[tuple[CastMember, NameSpan]]] = {}
        for member, span in ((m, s) for m in cast for s in m.spans):
            named.setdefault(span.sentence, []).append((member, span))
        return ReadArticle(reading, passages, cast, named)

    def hidden(self, reading: Reading, read: ReadPassage) -> Floats:
        """The passage's hidden states, `[1, tokens, width]`."""
        if read.hidden is not None:
            return read.hidden
        ids = np.array([reading.tokens(read.passage)], dtype=np.int64)
        return np.asarray(self.lower.run(["hidden"], {"ids": ids})[0])

    def _read(self, reading: Reading, passage: Passage) -> ReadPassage:
        ids = np.array([reading.tokens(passage)], dtype=np.int64)
        hidden, tags, relevance = self.lower.run(None, {"ids": ids})
        focus = sigmoid(relevance[0][reading.markers(passage)])[len(passage.context) :]
        keep = len(reading.passages) <= KEPT_PASSAGES
        names = tuple(_names(reading, passage, tags[0]))
        return ReadPassage(passage, hidden if keep else None, names, float(focus.max(initial=0.0)))


def on_threads(
    texts: Iterable[ArticleText],
    threads: int,
    classify: Callable[[ArticleText, Callable[..., Iterable[Any]]], list[Judgement]],
) -> Iterator[list[Judgement]]:
    """`classify(text, run)` of each text in input order, a few ahead; a lone text runs its passages at once."""
    with ThreadPoolExecutor(threads) as pool:
        remaining = map(_encodable, texts)
        while group := list(islice(remaining, ARTICLES_AT_ONCE)):
            yield from _group(group, pool, classify)


def _group(
    group: Sequence[ArticleText],
    pool: Executor,
    classify: Callable[[ArticleText, Callable[..., Iterable[Any]]], list[Judgement]],
) -> Iterable[list[Judgement]]:
    if len(group) == 1:
        return [classify(group[0], pool.map)]
    return pool.map(lambda text: classify(text, map), group)


def _encodable(text: ArticleText) -> ArticleText:
    """Without lone surrogates, which no library behind us takes; offsets stay."""
    if _SURROGATE.search(text.title + text.body) is None:
        return text
    return ArticleText(_SURROGATE.sub("\ufffd", text.title), _SURROGATE.sub("\ufffd", text.body), text.language)


def _tokens(tokenizer: Any, sentences: list[str]) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
    if not sentences:
        return [], []
    encoded = tokenizer(
        sentences,
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=True,
        max_length=MAX_SENTENCE_TOKENS,
    )
    return encoded["input_ids"], encoded["offset_mapping"]


def _names(reading: Reading, passage: Passage, tags: Floats) -> Iterator[NameSpan]:
    """The names in the passage's focus, by the best tag of each token, stretched to whole words."""
    markers = reading.markers(passage)
    for index, marker in list(zip(passage.sentences, markers, strict=True))[len(passage.context) :]:
        text, offsets = reading.sentences[index], reading.offsets[index]
        best = tags[marker + 1 : marker + 1 + len(offsets)].argmax(axis=-1)
        start: int | None = None
        for k in range(len(offsets) + 1):
            tag = int(best[k]) if k < len(offsets) else 0
            if start is not None and (tag in {0, 1, 3} or _kind(tag) is not _kind(int(best[start]))):
                certainty = 1.0 - float(softmax(tags[marker + 1 + start : marker + 1 + k])[:, 0].mean())
                kind = _kind(int(best[start]))
                yield _span(index, text, offsets[start][0], offsets[k - 1][1], kind=kind, certainty=certainty)
                start = None
            if tag and start is None:
                start = k


def _kind(tag: int) -> Kind:
    return Kind.PERSON if tag in {1, 2} else Kind.ORGANISATION


def _span(index: int, text: str, start: int, end: int, *, kind: Kind, certainty: float) -> NameSpan:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    while start < end and text[start].isspace():
        start += 1
    return NameSpan(index, start, end, text[start:end], kind, certainty)
