"""An article with what it is compared by. Pure."""

from dataclasses import dataclass

from ingest_service.identity import fingerprint
from ingest_service.similarity import Sketch, sketch
from shared.events import Article


@dataclass(frozen=True)
class Comparable:
    """`said` is the article's fingerprint; `text` is None for one of a few words."""

    article: Article
    said: str
    text: Sketch | None


def comparable(article: Article) -> Comparable:
    """Costs as much as all else that publishing does: worked out beside normalisation, where there are processes."""
    return Comparable(article, fingerprint(article), sketch(article.body))
