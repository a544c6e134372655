"""Any NLI model as a zero-shot classifier: does the passage entail the proposition about the actor?"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.events import Basis, Polarity
from shared.ids import digest
from stance_service.actors.names import CastMember
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.nli import NliModel
from stance_service.classifiers.reader import ReadArticle, Reader, ReadPassage, on_threads
from stance_service.propositions import Propositions

LONGEST_NAME: Final = 100
OWN: Final = ((Basis.STATED, "{actor} says so."), (Basis.ACTED, "{actor} did so."))
ALLEGED: Final = "{other} says so about {actor}."


@dataclass(frozen=True, slots=True)
class _Found:
    """A position that a passage entails, before its sentence and basis are known."""

    member: CastMember
    axis: str
    polarity: Polarity
    hypothesis: str
    confidence: float


class DirectoryClassifier:
    """The shipped reader finds the actors; the NLI model judges every axis as worded.

    On the `trained` axes only passages that the reader finds relevant are asked about. The confidence is the model's
    own probability, which nothing has calibrated.
    """

    def __init__(
        self,
        reader: Reader,
        model: NliModel,
        propositions: Propositions,
        *,
        trained: Collection[str] = (),
        threshold: float = 0.8,
        threads: int | None = None,
    ) -> None:
        self.reader = reader
        self.model = model
        self.propositions = propositions
        self.trained = frozenset(trained)
        self.threshold = threshold
        self.threads = threads or len(os.sched_getaffinity(0))

    @property
    def version(self) -> str:
        parts = {
            "weights": self.model.digest,
            "reader": self.reader.settings.version,
            "propositions": self.propositions.digest,
            "threshold": self.threshold,
        }
        return f"directory-1+{digest('directory', parts)[:12]}"

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        return on_threads(texts, self.threads, self._classify_one)

    def _classify_one(self, text: ArticleText, run: Callable[..., Iterable[Any]]) -> list[Judgement]:
        article = self.reader.read(text, run)
        judged = run(lambda passage: self._judge(article, passage, text.language), article.passages)
        return [judgement for passage in judged for judgement in passage]

    def _judge(self, article: ReadArticle, read: ReadPassage, language: str) -> list[Judgement]:
        relevant = read.relevance >= self.reader.settings.relevance
        asked = [(a, p, w) for a, p, w in self.propositions if relevant or a not in self.trained]
        present = article.present(read.passage)
        claims = [(m, a, p, w.about(_name(m), language)) for m in present for a, p, w in asked]
        premise = " ".join(article.reading.sentences[i] for i in read.passage.sentences)
        confidences = self.model.entailment([(premise, hypothesis) for *_, hypothesis in claims])
        entailed = (_Found(*claim, c) for claim, c in zip(claims, confidences, strict=True) if c >= self.threshold)
        located = (self._located(article, read, present, found) for found in entailed)
        return [judgement for judgement in located if judgement is not None]

    def _located(
        self, article: ReadArticle, read: ReadPassage, present: Sequence[CastMember], found: _Found
    ) -> Judgement | None:
        """The judgement on the sentence that entails it most; None: another passage judges that sentence."""
        sentences = article.reading.sentences
        indices = read.passage.sentences
        scores = self.model.entailment([(sentences[i], found.hypothesis) for i in indices])
        ranked = sorted(zip(indices, scores, strict=True), key=lambda s: -s[1])
        if ranked[0][0] in read.passage.context:
            return None
        in_body = ((i, article.reading.spans[i]) for i, _ in ranked if i in read.passage.focus)
        index, place = next(((i, place) for i, place in in_body if place is not None), (0, None))
        if place is None:
            return None
        basis, by = self._basis(sentences[index], present, found.member)
        return Judgement(
            found.member.slug, found.axis, found.polarity, basis, by, found.confidence, place.start, place.end
        )

    def _basis(self, sentence: str, present: Sequence[CastMember], member: CastMember) -> tuple[Basis, str | None]:
        """The likeliest of the actor's own words, its conduct, and the words of each other actor."""
        name = _name(member)
        others = [m for m in present if m.slug != member.slug]
        readings: list[tuple[Basis, str | None]] = [
            *((basis, None) for basis, _ in OWN),
            *((Basis.ALLEGED, m.slug) for m in others),
        ]
        worded = [
            *(text.format(actor=name) for _, text in OWN),
            *(ALLEGED.format(other=_name(m), actor=name) for m in others),
        ]
        scores = self.model.entailment([(sentence, hypothesis) for hypothesis in worded])
        return readings[max(range(len(readings)), key=lambda k: scores[k])]


def _name(member: CastMember) -> str:
    return member.name[:LONGEST_NAME]
