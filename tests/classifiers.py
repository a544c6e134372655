"""Every classifier, small: random weights from `tests/data`, chat models from a server of the test."""

from pathlib import Path

from stance_service.actors.registry import Registry
from stance_service.axes import built_in_propositions
from stance_service.classifiers.base import ArticleText
from stance_service.classifiers.cascade import CascadeClassifier
from stance_service.classifiers.chat import ChatClassifier, Reach
from stance_service.classifiers.directory import DirectoryClassifier
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.classifiers.endpoint import ChatEndpoint, EndpointSettings
from stance_service.classifiers.nli import NliModel
from stance_service.classifiers.reader import Reader

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny-embedded"
NLI = DATA / "tiny-nli"
AXES = built_in_propositions()
REGISTRY = Registry.shipped()


def text(body: str, language: str = "en", title: str = "") -> ArticleText:
    """An article of which the body matters."""
    return ArticleText(title, body, language)


def embedded() -> EmbeddedClassifier:
    """Its stance is chance, its names are capitalised words."""
    return EmbeddedClassifier(REGISTRY, TINY, threads=2)


def directory() -> DirectoryClassifier:
    """Entailment is chance too."""
    reader = Reader(REGISTRY, TINY)
    return DirectoryClassifier(reader, NliModel(str(NLI)), AXES, trained=AXES.axes, threshold=0.15, threads=2)


def endpoint(url: str, *, retries: int = 0, timeout: float = 20.0, **more: object) -> ChatEndpoint:
    """Doesn't wait between attempts."""
    settings = {"base_url": url, "model": "a-model", "retries": retries, "timeout_seconds": timeout, **more}
    return ChatEndpoint(EndpointSettings.model_validate(settings), sleep=lambda _: None)


def chat(url: str, reach: Reach | None = None, *, retries: int = 0, timeout: float = 20.0) -> ChatClassifier:
    """Asks the server at `url`."""
    return ChatClassifier(endpoint(url, retries=retries, timeout=timeout), REGISTRY, AXES, reach)


def cascade(url: str) -> CascadeClassifier:
    """Asks the server at `url` about a few passages."""
    return CascadeClassifier(embedded(), chat(url), max_passages=4)
