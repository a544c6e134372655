"""Builders of observations: name what matters, the rest is filled in."""

from datetime import UTC, datetime, timedelta

from shared.events import Article, Axis, Basis, Observation, Polarity, Withdrawal
from shared.events import Evidence as Span
from shared.ids import digest

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


def article_id(name: str) -> str:
    return digest("article", {"name": name})


def observation(
    polarity: Polarity = 1,
    held_at: str | None = None,
    *,
    article: str = "a",
    confidence: float = 0.9,
    actor: str = "openai",
    axis: Axis = "openness",
    basis: Basis = Basis.STATED,
    evidence: str | None = None,
    published: str = "2024-03-13",
    observed_at: datetime = NOON,
    revision: int = 1,
    duplicate_of: str | None = None,
    classifier: str = "test-1",
    more: bool = False,
) -> Observation:
    """One in the article named `article`, with an id of its content; evidence nobody else has unless it is given."""
    content: dict[str, object] = {
        "polarity": polarity,
        "held_at": held_at,
        "article": article,
        "actor": actor,
        "axis": axis,
        "basis": basis.value,
        "evidence": evidence,
        "revision": revision,
        "classifier": classifier,
    }
    text = evidence or f"Words of {actor}."
    return Observation(
        id=digest("observation", content),
        actor=actor,
        axis=axis,
        polarity=polarity,
        basis=basis,
        alleged_by="a-critic" if basis is Basis.ALLEGED else None,
        confidence=confidence,
        evidence=Span(start=0, end=len(text), text=text),
        held_at=held_at,
        published_at=datetime.fromisoformat(published).replace(tzinfo=UTC),
        observed_at=observed_at,
        article_id=article_id(article),
        revision=revision,
        title=f"Article {article}",
        duplicate_of=article_id(duplicate_of) if duplicate_of else None,
        classifier=classifier,
        more=more,
    )


def withdrawal(
    article: str = "a", revision: int = 2, *, actor: str = "openai", observed_at: datetime = NOON, more: bool = False
) -> Withdrawal:
    """Of all revisions of an article before the given one."""
    return Withdrawal(
        actor=actor, article_id=article_id(article), revision=revision, observed_at=observed_at, more=more
    )


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def article(body: str) -> Article:
    """An article of that text, with an id of its own."""
    return Article(
        article_id=article_id(body),
        revision=1,
        source="test",
        title="",
        body=body,
        language="en",
        published_at=NOON,
        published_origin="submitted",
        observed_at=NOON,
        raw_digest=article_id(body),
        normaliser="test-1",
    )
