"""The shipped model: ONNX on onnxruntime, tokenised by transformers, no torch.

Each passage runs alone, several at a time on threads: no padding, and what a passage yields does not depend
on what else is read with it.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import AutoTokenizer

from shared.events import Basis, Polarity
from stance_service.actors.names import CastMember, Kind, NameSpan, cast_of
from stance_service.actors.registry import Registry
from stance_service.classifiers.base import ArticleText, Judgement, ModelError
from stance_service.passages import Passage, Sentence, cut_passages, split_sentences

Floats = npt.NDArray[np.float32]

GROUPS = ((False, "openness"), (False, "profit"), (True, "openness"), (True, "profit"))
"""(alleged, axis) of each group of three stance logits: none, +1, -1."""
POLARITIES: tuple[Polarity, Polarity] = (1, -1)
MAX_SENTENCE_TOKENS = 140
MAX_ACTORS_IN_PASSAGE = 10
KEPT_PASSAGES = 64
"""Longer articles are encoded twice rather than kept in memory."""
ARTICLES_AT_ONCE = 16


class Calibration(BaseModel):
    """Platt scaling (Platt 1999) of the model's probability, and from which confidence on a statement is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float
    intercept: float
    threshold: float

    def confidence(self, p: float) -> float:
        """The calibrated probability of a raw one."""
        p = min(max(p, 1e-6), 1 - 1e-6)
        return 1.0 / (1.0 + math.exp(-(self.slope * math.log(p / (1 - p)) + self.intercept)))


class ModelSettings(BaseModel):
    """`config.json` of a model directory, fitted on the development articles by `training/export.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    marker: int
    own: Calibration
    alleged: Calibration
    relevance: float
    files: dict[str, str]


class _Reading:
    """One article cut into passages of token ids."""

    def __init__(self, text: ArticleText, tokenizer: Any, marker: int) -> None:
        pieces = split_sentences(text.body, text.language)
        self.titled = bool(text.title.strip())
        head = [text.title] if self.titled else []
        self.spans: list[Sentence | None] = [*([None] if self.titled else []), *pieces]
        self.sentences = head + [text.body[p.start : p.end] for p in pieces]
        encoded = (
            tokenizer(
                self.sentences,
                add_special_tokens=False,
                return_offsets_mapping=True,
                truncation=True,
                max_length=MAX_SENTENCE_TOKENS,
            )
            if self.sentences
            else {"input_ids": [], "offset_mapping": []}
        )
        self.ids: list[list[int]] = encoded["input_ids"]
        self.offsets: list[list[tuple[int, int]]] = encoded["offset_mapping"]
        lengths = [len(i) + 1 for i in self.ids]
        self.passages = cut_passages(lengths, (0, 1) if self.titled else (0,))
        self.marker = marker
        self.edges: tuple[int, int] = (tokenizer.bos_token_id, tokenizer.eos_token_id)

    def tokens(self, passage: Passage) -> list[int]:
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


class EmbeddedClassifier:
    """Reads with the lower half, casts the actors, judges each with the upper half."""

    def __init__(self, registry: Registry, directory: Path | None = None, threads: int | None = None) -> None:
        self.directory = directory or Path(str(resources.files("stance_service").joinpath("models/embedded")))
        self.settings = _verified_settings(self.directory)
        self.registry = registry
        self.tokenizer = AutoTokenizer.from_pretrained(self.directory)
        self.lower = _session(self.directory / "lower.onnx")
        self.upper = _session(self.directory / "upper.onnx")
        self.threads = threads or len(os.sched_getaffinity(0))

    @property
    def version(self) -> str:
        return self.settings.version

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        with ThreadPoolExecutor(self.threads) as pool:
            remaining = iter(texts)
            while group := list(islice(remaining, ARTICLES_AT_ONCE)):
                yield from (
                    pool.map(self._classify_one, group) if len(group) > 1 else [self._classify_one(group[0], pool)]
                )

    def _classify_one(self, text: ArticleText, pool: Executor | None = None) -> list[Judgement]:
        run = map if pool is None else pool.map
        reading = _Reading(text, self.tokenizer, self.settings.marker)
        encoded = list(run(lambda p: self._encode(reading, p), reading.passages))
        spans = [s for p, (_, tags, _) in zip(reading.passages, encoded, strict=True) for s in _names(reading, p, tags)]
        cast = cast_of(spans, self.registry)
        judged = run(lambda pair: self._judge(reading, cast, *pair), zip(reading.passages, encoded, strict=True))
        return [judgement for passage in judged for judgement in passage]

    def _encode(self, reading: _Reading, passage: Passage) -> tuple[Floats | None, Floats, Floats]:
        ids = np.array([reading.tokens(passage)], dtype=np.int64)
        hidden, tags, relevance = self.lower.run(None, {"ids": ids})
        keep = len(reading.passages) <= KEPT_PASSAGES
        return hidden if keep else None, tags[0], _sigmoid(relevance[0][reading.markers(passage)])

    def _judge(
        self,
        reading: _Reading,
        cast: Sequence[CastMember],
        passage: Passage,
        encoded: tuple[Floats | None, Floats, Floats],
    ) -> list[Judgement]:
        hidden, _, relevance = encoded
        if relevance[len(passage.context) :].max(initial=0.0) < self.settings.relevance:
            return []
        roles, present = _roles(reading, passage, cast)
        if not present:
            return []
        if hidden is None:
            hidden = self.lower.run(["hidden"], {"ids": np.array([reading.tokens(passage)], dtype=np.int64)})[0]
        stance, _ = self.upper.run(None, {"hidden": np.repeat(hidden, len(present), axis=0), "roles": roles})
        return _judgements(reading, passage, present, stance, self.settings)


def _names(reading: _Reading, passage: Passage, tags: Floats) -> Iterator[NameSpan]:
    """The names in the passage's focus, by the best tag of each token, stretched to whole words."""
    markers = reading.markers(passage)
    for index, marker in list(zip(passage.sentences, markers, strict=True))[len(passage.context) :]:
        text, offsets = reading.sentences[index], reading.offsets[index]
        best = tags[marker + 1 : marker + 1 + len(offsets)].argmax(axis=-1)
        start: int | None = None
        for k in range(len(offsets) + 1):
            tag = int(best[k]) if k < len(offsets) else 0
            if start is not None and (tag in {0, 1, 3} or _kind(tag) is not _kind(int(best[start]))):
                yield _span(index, text, offsets[start][0], offsets[k - 1][1], _kind(int(best[start])))
                start = None
            if tag and start is None:
                start = k


def _kind(tag: int) -> Kind:
    return Kind.PERSON if tag in {1, 2} else Kind.ORGANISATION


def _span(index: int, text: str, start: int, end: int, kind: Kind) -> NameSpan:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    while start < end and text[start].isspace():
        start += 1
    return NameSpan(index, start, end, text[start:end], kind)


def _roles(
    reading: _Reading, passage: Passage, cast: Sequence[CastMember]
) -> tuple[npt.NDArray[np.int64], list[CastMember]]:
    """A row of token roles for each actor that the passage names: 1 its names, 2 the names of others."""
    markers = dict(zip(passage.sentences, reading.markers(passage), strict=True))
    places = [
        (member, [p for s in member.spans if s.sentence in markers for p in _positions(reading, markers, s)])
        for member in cast
    ]
    present = [(m, p) for m, p in places if p][:MAX_ACTORS_IN_PASSAGE]
    named = [p for _, positions in places for p in positions]
    roles = np.zeros((len(present), len(reading.tokens(passage))), dtype=np.int64)
    for row, (_, positions) in enumerate(present):
        roles[row, named] = 2
        roles[row, positions] = 1
    return roles, [m for m, _ in present]


def _positions(reading: _Reading, markers: dict[int, int], span: NameSpan) -> Iterator[int]:
    for k, (start, end) in enumerate(reading.offsets[span.sentence]):
        if start < span.end and span.start < end:
            yield markers[span.sentence] + 1 + k


def _judgements(
    reading: _Reading, passage: Passage, present: Sequence[CastMember], stance: Floats, settings: ModelSettings
) -> list[Judgement]:
    markers = reading.markers(passage)
    found = []
    for index, marker in list(zip(passage.sentences, markers, strict=True))[len(passage.context) :]:
        place = reading.spans[index]
        if place is None:
            continue
        sources = _sigmoid(stance[:, marker, 13])
        for row, member in enumerate(present):
            basis = Basis.ACTED if stance[row, marker, 12] > 0 else Basis.STATED
            for group, (alleged, axis) in enumerate(GROUPS):
                calibration = settings.alleged if alleged else settings.own
                p = _softmax(stance[row, marker, 3 * group : 3 * group + 3])
                for polarity, raw in zip(POLARITIES, p[1:], strict=True):
                    confidence = calibration.confidence(float(raw))
                    if confidence < calibration.threshold:
                        continue
                    by = _source(present, sources, row) if alleged else None
                    if alleged and by is None:
                        continue
                    kind = Basis.ALLEGED if alleged else basis
                    found.append(Judgement(member.slug, axis, polarity, kind, by, confidence, place.start, place.end))
    return found


def _source(present: Sequence[CastMember], sources: Floats, row: int) -> str | None:
    """The likeliest source of an allegation against the actor of `row`."""
    others = [k for k in range(len(present)) if k != row]
    return present[max(others, key=lambda k: float(sources[k]))].slug if others else None


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float32)


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max())
    return np.asarray(e / e.sum(), dtype=np.float32)


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _verified_settings(directory: Path) -> ModelSettings:
    path = directory / "config.json"
    try:
        settings = ModelSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(f"{path}: no usable model settings: {error}") from error
    for name, expected in settings.files.items():
        file = directory / name
        if not file.is_file():
            raise ModelError(f"{file}: missing; the model directory must hold {', '.join(settings.files)}")
        with file.open("rb") as content:
            actual = hashlib.file_digest(content, "sha256").hexdigest()
        if actual != expected:
            raise ModelError(f"{file}: checksum {actual} is not {expected} as config.json says; restore the file")
    return settings
