"""What every classifier takes and gives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.errors import PermanentError, TransientError
from shared.events import Basis, Polarity


@dataclass(frozen=True, slots=True)
class ArticleText:
    """What a classifier reads of an article."""

    title: str
    body: str
    language: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One position that one sentence shows; the evidence is `body[start:end]`.

    `confidence` is the calibrated probability that a careful reader agrees. `alleged_by` is given exactly
    with basis `alleged`.
    """

    actor: str
    axis: str
    polarity: Polarity
    basis: Basis
    alleged_by: str | None
    confidence: float
    start: int
    end: int


class Classifier(Protocol):
    """Reads articles and judges positions; the same text and version give the same judgements."""

    @property
    def version(self) -> str:
        """Names backend, weights and settings; recorded with every observation."""
        ...

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        """The judgements of each text, in input order, lazily: memory does not grow with the input."""
        ...


class ModelError(PermanentError):
    """A model that cannot be used as configured; names the file or setting and what is wrong."""


class EndpointError(TransientError):
    """A model endpoint that does not answer usefully now; articles wait."""


class AnswerError(PermanentError):
    """A model that cannot answer about this one article; the others go on."""
