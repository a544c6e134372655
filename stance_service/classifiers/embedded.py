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
from stance_service.classifiers.artefact import Floats, session, sigmoid, softmax
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.finding import Finding, with_signs
from stance_service.classifiers.reader import (
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
NEGLIGIBLE = 0.1
"""What a sentence shows with less probability is not considered further."""


class EmbeddedClassifier:
    """Reads every article with the network of its language, where there is one of its own, or else the general one."""

    def __init__(self, registry: Registry, directory: Path | None = None, threads: int | None = None) -> None:
        self.general = Network(Reader(registry, directory))
        folders = {language: self.general.reader.directory / language for language in self.general.settings.languages}
        self.own = {language: Network(Reader(registry, folder)) for language, folder in folders.items()}
        self.threads = threads or len(os.sched_getaffinity(0))

    @property
    def version(self) -> str:
        """That of the general network, and behind it those of languages with one of their own."""
        own = (f"{language}:{network.settings.version}" for language, network in self.own.items())
        return ",".join([self.general.settings.version, *own])

    def network(self, language: str) -> "Network":
        """The one that reads articles in this language."""
        return self.own.get(language, self.general)

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        return on_threads(texts, self.threads, self._classify_one)

    def _classify_one(self, text: ArticleText, run: Callable[..., Iterable[Any]]) -> list[Judgement]:
        network = self.network(text.language)
        article = network.reader.read(text, run)
        return network.judge(article, article.passages, run)


class Network:
    """Reads with the lower half, casts the actors, judges each with the upper half."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.settings = reader.settings
        self.upper = session(reader.directory / "upper.onnx")

    def judge(
        self, article: ReadArticle, passages: Sequence[ReadPassage], run: Callable[..., Iterable[Any]] = map
    ) -> list[Judgement]:
        """What some passages of an article show, as far as it is likely enough for a statement."""
        findings = self.findings(article, passages, run)
        return [j for finding in findings if (j := self._judgement(finding)) is not None]

    def findings(
        self, article: ReadArticle, passages: Sequence[ReadPassage], run: Callable[..., Iterable[Any]] = map
    ) -> list[Finding]:
        """All that may be a position, likely or not; `run` maps over the passages."""
        found = [each for read in run(lambda p: self._find(article, p), passages) for each in read]
        return with_signs(found, article.cast, self.reader.registry)

    def _find(self, article: ReadArticle, read: ReadPassage) -> list[Finding]:
        """Nothing, unless the passage is relevant and names an actor."""
        if read.relevance < self.settings.relevance:
            return []
        roles, present = _roles(article, read.passage)
        if not present:
            return []
        hidden = np.repeat(self.reader.hidden(article.reading, read), len(present), axis=0)
        markers = np.array([article.reading.markers(read.passage)] * len(present), dtype=np.int64)
        (stance,) = self.upper.run(["stance"], {"hidden": hidden, "roles": roles, "markers": markers})
        return list(_findings(article.reading, read.passage, present, stance))

    def _judgement(self, f: Finding) -> Judgement | None:
        calibration = self.settings.own if f.alleged_by is None else self.settings.alleged
        confidence = calibration.confidence(f.signs)
        if confidence < calibration.threshold:
            return None
        return Judgement(f.actor, f.axis, f.polarity, f.basis, f.alleged_by, confidence, f.place.start, f.place.end)


def _roles(article: ReadArticle, passage: Passage) -> tuple[npt.NDArray[np.int64], list[CastMember]]:
    """A row of token roles for each actor that the passage names: 1 its names, 2 the names of others."""
    reading = article.reading
    places: dict[str, list[int]] = {}
    for index, marker in zip(passage.sentences, reading.markers(passage), strict=True):
        for member, span in article.named.get(index, ()):
            places.setdefault(member.slug, []).extend(_positions(reading, marker, span))
    present = article.present(passage)
    named = [p for positions in places.values() for p in positions]
    roles = np.zeros((len(present), len(reading.tokens(passage))), dtype=np.int64)
    for row, member in enumerate(present):
        roles[row, named] = 2
        roles[row, places[member.slug]] = 1
    return roles, present


def _positions(reading: Reading, marker: int, span: NameSpan) -> Iterator[int]:
    for k, (start, end) in enumerate(reading.offsets[span.sentence]):
        if start < span.end and span.start < end:
            yield marker + 1 + k


def _findings(reading: Reading, passage: Passage, present: Sequence[CastMember], stance: Floats) -> Iterator[Finding]:
    focus = enumerate(passage.focus, len(passage.context))
    places = [(place, k) for k, i in focus if (place := reading.spans[i]) is not None]
    logits = stance[:, [k for _, k in places]]
    likely = softmax(logits[..., :12].reshape(*logits.shape[:2], len(GROUPS), 3))[..., 1:]
    sources = sigmoid(logits[..., 13])
    for k, row, group, sign in np.argwhere(likely.transpose(1, 0, 2, 3) >= NEGLIGIBLE):
        alleged, axis = GROUPS[group]
        by = _source(present, sources[:, k], row) if alleged else None
        if alleged and by is None:
            continue
        own = Basis.ACTED if logits[row, k, 12] > 0 else Basis.STATED
        basis = Basis.ALLEGED if alleged else own
        p = float(likely[row, k, group, sign])
        yield Finding(present[row].slug, axis, POLARITIES[sign], basis, by, places[k][0], p)


def _source(present: Sequence[CastMember], sources: Floats, row: int) -> str | None:
    """The likeliest source of an allegation against the actor of `row`."""
    others = [k for k in range(len(present)) if k != row]
    return present[max(others, key=lambda k: float(sources[k]))].slug if others else None
