"""The embedded model picks the passages worth asking about; the chat model judges those, and its word counts there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from shared.ids import digest
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.chat import ChatClassifier, Excerpts
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.classifiers.reader import ReadArticle, ReadPassage, on_threads


class CascadeClassifier:
    """Asks about the `max_passages` most relevant passages of an article that name an actor.

    The embedded model's own judgements stand in the others. While the endpoint is down, articles wait.
    """

    def __init__(self, embedded: EmbeddedClassifier, chat: ChatClassifier, max_passages: int = 12) -> None:
        self.embedded = embedded
        self.chat = chat
        self.max_passages = max_passages

    @property
    def version(self) -> str:
        parts = {"embedded": self.embedded.version, "chat": self.chat.version, "max_passages": self.max_passages}
        return f"cascade-1:{self.chat.endpoint.settings.model}+{digest('cascade', parts)[:12]}"

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        return on_threads(texts, self.chat.reach.parallel, self._classify_one)

    def _classify_one(self, text: ArticleText, run: Callable[..., Iterable[Any]]) -> list[Judgement]:
        network = self.embedded.network(text.language)
        article = network.reader.read(text, run)
        asked = self._worth_asking(article, network.settings.relevance)
        places = {p.passage for p in asked}
        rest = [p for p in article.passages if p.passage not in places]
        kept = network.judge(article, rest, run)
        spans = [span for p in asked if (span := _focus(article, p)) is not None]
        answered = self.chat.judge(text, _grouped(spans, self.chat.reach.part_characters), run) if spans else []
        return sorted([*kept, *answered], key=lambda j: (j.start, j.actor, j.axis, -j.polarity, j.basis))

    def _worth_asking(self, article: ReadArticle, threshold: float) -> list[ReadPassage]:
        """In the order of the text."""
        naming = [p for p in article.passages if p.relevance >= threshold and article.present(p.passage)]
        chosen = sorted(naming, key=lambda p: -p.relevance)[: self.max_passages]
        return sorted(chosen, key=lambda p: p.passage.focus)


def _focus(article: ReadArticle, read: ReadPassage) -> tuple[int, int] | None:
    places = [p for i in read.passage.focus if (p := article.reading.spans[i]) is not None]
    return (places[0].start, places[-1].end) if places else None


def _grouped(spans: Sequence[tuple[int, int]], size: int) -> list[Excerpts]:
    """Neighbouring spans in groups of at most `size` characters, one call each; a lone longer span stays whole."""
    groups: list[list[tuple[int, int]]] = []
    length = 0
    for start, end in spans:
        if groups and length + end - start <= size:
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
            length = 0
        length += end - start
    return list(groups)
