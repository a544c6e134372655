"""Annotated articles, contrast passages and written passages as labelled windows of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from stance_service.passages import cut_passages, split_sentences
from training import markup
from training.encoder import SENTENCE

GROUPS = (("own", "openness"), ("own", "profit"), ("alleged", "openness"), ("alleged", "profit"))
NONE, PLUS, MINUS = 0, 1, 2
KINDS = ("person", "organisation")
MAX_SENTENCE_TOKENS = 140


@dataclass(frozen=True)
class Span:
    """A mention inside its sentence, in characters."""

    actor: str
    start: int
    end: int
    is_name: bool


@dataclass(frozen=True)
class Fact:
    """At least one of `sentences` shows that `actor` has `label` in `group`; `basis` for own positions."""

    actor: str
    group: int
    label: int
    sentences: tuple[int, ...]
    basis: str
    source: str | None


@dataclass
class Document:
    """Sentences with their mentions, and what is known of the actors' positions.

    `complete`: an unlabelled sentence surely shows nothing; else repeats of a fact are unlabelled.
    """

    id: str
    language: str
    sentences: list[str]
    spans: list[list[Span]]
    kinds: dict[str, str]
    facts: list[Fact]
    complete: bool
    pronouns_marked: bool
    has_title: bool = False


@dataclass
class Window:
    """Token ids of one passage; positions count tokens of the window."""

    document: Document
    ids: list[int]
    markers: list[int]
    sentences: list[int]
    focus: list[bool]
    names: dict[str, list[int]]
    mentions: dict[str, list[int]]
    tags: list[int]


def _label(polarity: int) -> int:
    return PLUS if polarity > 0 else MINUS


def _group(axis: str, basis: str) -> int:
    return GROUPS.index(("alleged" if basis == "alleged" else "own", axis))


def find_spans(text: str, surfaces: Mapping[str, str], is_name: bool, taken: list[Span]) -> list[Span]:
    """Non-overlapping occurrences of the surfaces (surface to actor), longest first."""
    found = list(taken)
    for surface in sorted(surfaces, key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(surface)}(?=(?:s|'s|’s)?(?!\w))", text):
            if all(match.end() <= s.start or match.start() >= s.end for s in found):
                found.append(Span(surfaces[surface], match.start(), match.end(), is_name))
    return sorted(found, key=lambda s: s.start)


def _spans(text: str, actors: Mapping[str, dict[str, object]]) -> list[Span]:
    names = {n: a for a, x in actors.items() for n in x["names"]}  # type: ignore[attr-defined]
    described = {n: a for a, x in actors.items() for n in x["descriptions"] if n not in names}  # type: ignore[attr-defined]
    return find_spans(text, described, False, find_spans(text, names, True, []))


def articles(path: Path) -> Iterator[Document]:
    """Annotated articles with the actors file beside them."""
    actors_path = path.with_name(path.name.replace(".jsonl", ".actors.jsonl"))
    cast = {r["id"]: r["actors"] for r in map(json.loads, actors_path.read_text().splitlines())}
    for record in map(json.loads, path.read_text().splitlines()):
        yield _article(record, cast[record["id"]])


def _article(record: dict[str, object], actors: dict[str, dict[str, object]]) -> Document:
    title, body = str(record["title"]), str(record["body"])
    pieces = split_sentences(body, str(record["language"]))
    sentences = ([title] if title else []) + [body[s.start : s.end] for s in pieces]
    shift = 1 if title else 0
    facts = []
    for s in record["statements"]:  # type: ignore[attr-defined]
        start = body.index(s["evidence"])
        end = start + len(s["evidence"])
        inside = tuple(i + shift for i, p in enumerate(pieces) if min(p.end, end) - max(p.start, start) > 12)
        facts.append(
            Fact(s["actor"], _group(s["axis"], s["basis"]), _label(s["polarity"]), inside, s["basis"], s["alleged_by"])
        )
    spans = [_spans(t, actors) for t in sentences]
    kinds = {a: str(x["kind"]) for a, x in actors.items()}
    return Document(
        str(record["id"]), str(record["language"]), sentences, spans, kinds, facts, False, False, bool(title)
    )


def contrast(path: Path) -> Iterator[Document]:
    """Short passages labelled as a whole."""
    for record in map(json.loads, path.read_text().splitlines()):
        text = record["passage"]
        sentences = [text[s.start : s.end] for s in split_sentences(text, record["language"])]
        everywhere = tuple(range(len(sentences)))
        facts = [
            Fact(
                s["actor"],
                _group(s["axis"], s["basis"]),
                _label(s["polarity"]),
                everywhere,
                s["basis"],
                s["alleged_by"],
            )
            for s in record["statements"]
        ]
        spans = [_spans(t, record["actors"]) for t in sentences]
        kinds = {a: x["kind"] for a, x in record["actors"].items()}
        yield Document(record["id"], record["language"], sentences, spans, kinds, facts, False, False)


def written(path: Path) -> Iterator[Document]:
    """Passages in the markup of `training/markup.py`: every sentence and every mention labelled."""
    for number, passage in enumerate(markup.read(path)):
        facts = [
            Fact(x.actor, _group(x.axis, x.basis), _label(x.polarity), (i,), x.basis, x.alleged_by)
            for i, s in enumerate(passage.sentences)
            for x in s.labels
        ]
        spans = [[Span(m.actor, m.start, m.end, m.is_name) for m in s.mentions] for s in passage.sentences]
        actors = {m.actor for s in spans for m in s}
        kinds = {a: "person" if a[0] == "p" else "organisation" for a in actors}
        texts = [s.text for s in passage.sentences]
        yield Document(f"{path.stem}-{number}", passage.language, texts, spans, kinds, facts, True, True)


def windows(document: Document, tokenizer: PreTrainedTokenizerFast) -> list[Window]:
    """The document's passages as the model reads them: `<s> [S] sentence [S] sentence ... </s>`."""
    encoded = tokenizer(
        document.sentences,
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=True,
        max_length=MAX_SENTENCE_TOKENS,
    )
    lead = (0, 1) if document.has_title else (0,)
    lengths = [len(i) + 1 for i in encoded["input_ids"]]
    return [
        _window(document, p.sentences, set(p.focus), encoded["input_ids"], encoded["offset_mapping"], tokenizer)
        for p in cut_passages(lengths, lead)
    ]


def _window(
    document: Document,
    chosen: Sequence[int],
    focus: set[int],
    ids: Sequence[Sequence[int]],
    offsets: Sequence[Sequence[tuple[int, int]]],
    tokenizer: PreTrainedTokenizerFast,
) -> Window:
    marker = tokenizer.convert_tokens_to_ids(SENTENCE)
    window = Window(document, [tokenizer.bos_token_id], [], [], [], {}, {}, [-100])
    for index in chosen:
        window.markers.append(len(window.ids))
        window.sentences.append(index)
        window.focus.append(index in focus and not (document.has_title and index == 0))
        window.ids.append(marker)
        window.tags.append(-100)
        started: set[Span] = set()
        for token, (start, end) in zip(ids[index], offsets[index], strict=True):
            position = len(window.ids)
            span = next((s for s in document.spans[index] if s.start < end and start < s.end), None)
            tag = 0
            if span is not None:
                window.mentions.setdefault(span.actor, []).append(position)
                if span.is_name:
                    window.names.setdefault(span.actor, []).append(position)
                    tag = 1 + 2 * KINDS.index(document.kinds[span.actor]) + (span in started)
                    started.add(span)
            window.ids.append(token)
            window.tags.append(tag)
    window.ids.append(tokenizer.eos_token_id)
    window.tags.append(-100)
    return window


def role_row(window: Window, actor: str, length: int) -> Tensor:
    """The role of each token for one actor: 1 its names, 2 the names of others, 0 all else; (length,)."""
    row = torch.zeros(length, dtype=torch.long)
    for other, positions in window.names.items():
        row[positions] = 1 if other == actor else 2
    return row
