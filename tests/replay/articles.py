"""Articles on the topic, and a classifier that says what a test wants."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from shared.events import Article, Basis, Polarity
from stance_service.classifiers.base import ArticleText, Judgement
from tests.stances import NOON, article_id

_GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "events" / "articles.v1" / "article.json"


def article(name: str, title: str = "") -> Article:
    """The article that observations of that name are from."""
    fields = {
        "article_id": article_id(name),
        "title": title or f"Article {name}",
        "observed_at": NOON,
        "duplicate_of": None,
    }
    golden = Article.model_validate_json(_GOLDEN.read_bytes())
    return golden.model_copy(update={**fields, "body": f"OpenAI on {name}.", "published_at": NOON, "revision": 1})


class Saying:
    """Says of each article, by its body, where OpenAI stands on openness; nothing of others. Refuses those in `bad`."""

    def __init__(self, version: str, polarities: Mapping[str, Polarity], bad: str | None = None) -> None:
        self.version = version
        self.read: list[str] = []
        self._polarities = {f"OpenAI on {name}.": polarity for name, polarity in polarities.items()}
        self._bad = f"OpenAI on {bad}."

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        for text in texts:
            if text.body == self._bad:
                raise ValueError(text.body)
            self.read.append(text.body)
            polarity = self._polarities.get(text.body)
            end = len(text.body)
            yield ([Judgement("openai", "openness", polarity, Basis.STATED, None, 0.9, 0, end)] if polarity else [])
