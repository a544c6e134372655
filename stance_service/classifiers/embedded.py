"""The shipped model: ONNX on onnxruntime, tokenised by transformers, no torch."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.events import Basis, Polarity
from stance_service.actors.names import CastMember, NameSpan
from stance_service.actors.registry import Registry
from stance_service.classifiers.artefact import Floats, ModelSettings, session, sigmoid, softmax
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.reader import (
    MAX_ACTORS_IN_PASSAGE,
    ReadArticle,
    Reader,
    Reading,
    ReadPassage,
    on_threads,
)
from stance_service.passages import Passage

GROUPS = ((False, "openness"), (False, "profit"), (True, "openness"), (True, "profit"))
"""(alleged, axis) of each group of three stance logits: none, +1, -1."""
POLARITIES: tuple[Polarity, Polarity] = (1, -1)


class EmbeddedClassifier:
    """Reads with the lower half, casts the actors, judges each with the upper half."""

    def __init__(self, registry: Registry, directory: Path | None = None, threads: int | None = None) -> None:
        self.reader = Reader(registry, directory)
        self.settings = self.reader.settings
        self.upper = session(self.reader.directory / "upper.onnx")
        self.threads = threads or len(os.sched_getaffinity(0))

    @property
    def version(self) -> str:
        return self.settings.version

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        return on_threads(texts, self.threads, self._classify_one)

    def _classify_one(self, text: ArticleText, run: Callable[..., Iterable[Any]]) -> list[Judgement]:
        article = self.reader.read(text, run)
        judged = run(lambda passage: self.judge(article, passage), article.passages)
        return [judgement for passage in judged for judgement in passage]

    def judge(self, article: ReadArticle, read: ReadPassage) -> list[Judgement]:
        """What one passage shows; nothing, unless it is relevant and names an actor."""
        if read.relevance < self.settings.relevance:
            return []
        roles, present = _roles(article.reading, read.passage, article.cast)
        if not present:
            return []
        hidden = self.reader.hidden(article.reading, read)
        stance, _ = self.upper.run(None, {"hidden": np.repeat(hidden, len(present), axis=0), "roles": roles})
        return _judgements(article.reading, read.passage, present, stance, self.settings)


def _roles(
    reading: Reading, passage: Passage, cast: Sequence[CastMember]
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


def _positions(reading: Reading, markers: dict[int, int], span: NameSpan) -> Iterator[int]:
    for k, (start, end) in enumerate(reading.offsets[span.sentence]):
        if start < span.end and span.start < end:
            yield markers[span.sentence] + 1 + k


def _judgements(
    reading: Reading, passage: Passage, present: Sequence[CastMember], stance: Floats, settings: ModelSettings
) -> list[Judgement]:
    markers = reading.markers(passage)
    found = []
    for index, marker in list(zip(passage.sentences, markers, strict=True))[len(passage.context) :]:
        place = reading.spans[index]
        if place is None:
            continue
        sources = sigmoid(stance[:, marker, 13])
        for row, member in enumerate(present):
            basis = Basis.ACTED if stance[row, marker, 12] > 0 else Basis.STATED
            for group, (alleged, axis) in enumerate(GROUPS):
                calibration = settings.alleged if alleged else settings.own
                p = softmax(stance[row, marker, 3 * group : 3 * group + 3])
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
