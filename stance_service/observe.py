"""Article to Observations. Pure: no broker, file, environment or clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.events import (
    Article,
    Basis,
    Evidence,
    Observation,
    Polarity,
    Retraction,
    Slug,
    UtcDatetime,
    Withdrawal,
)
from shared.ids import digest
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.dates import held_at


@dataclass(frozen=True, slots=True)
class Statement:
    """A judgement with the time the position was held; EDTF, None: when the article was published."""

    actor: str
    axis: str
    polarity: Polarity
    basis: Basis
    alleged_by: str | None
    held_at: str | None
    confidence: float
    start: int
    end: int


def statements(text: ArticleText, published_on: date, judgements: Iterable[Judgement]) -> list[Statement]:
    """One statement per (actor, axis, polarity, basis, accuser, time), in the order of their evidence.

    The most confident sentence is the evidence (GUIDELINES.md, rule 11).
    """
    best: dict[tuple[object, ...], Statement] = {}
    for j in judgements:
        when = held_at(text.body, (j.start, j.end), published_on, text.language)
        found = Statement(j.actor, j.axis, j.polarity, j.basis, j.alleged_by, when, j.confidence, j.start, j.end)
        key = (j.actor, j.axis, j.polarity, j.basis, j.alleged_by, when)
        if key not in best or (j.confidence, -j.start) > (best[key].confidence, -best[key].start):
            best[key] = found
    return sorted(best.values(), key=lambda s: (s.start, s.actor, s.axis, -s.polarity, s.basis))


def events(
    article: Article,
    found: Iterable[Statement],
    withdrawn_from: Iterable[Slug],
    classifier: str,
    observed_at: UtcDatetime,
) -> list[Observation | Withdrawal]:
    """What an article's revision says to the observations topic.

    `withdrawn_from` are the actors that an earlier revision showed; what it said of them counts no longer. Records
    of one actor follow each other, all but the last marked `more`.
    """
    records: dict[Slug, list[Observation | Withdrawal]] = {}
    for withdrawal in withdrawals(article, withdrawn_from, observed_at):
        records.setdefault(withdrawal.actor, []).append(withdrawal)
    for statement in found:
        records.setdefault(statement.actor, []).append(_observation(article, statement, classifier, observed_at))
    return [
        record.model_copy(update={"more": number + 1 < len(own)})
        for own in records.values()
        for number, record in enumerate(own)
    ]


def withdrawals(event: Article | Retraction, actors: Iterable[Slug], observed_at: UtcDatetime) -> list[Withdrawal]:
    """One for each actor that earlier revisions showed; a retraction withdraws its own revision too."""
    revision = event.revision + 1 if isinstance(event, Retraction) else event.revision
    return [
        Withdrawal(actor=a, article_id=event.article_id, revision=revision, observed_at=observed_at)
        for a in sorted(set(actors))
    ]


def _observation(article: Article, s: Statement, classifier: str, observed_at: UtcDatetime) -> Observation:
    identity = {
        "article_id": article.article_id,
        "revision": article.revision,
        "actor": s.actor,
        "axis": s.axis,
        "polarity": s.polarity,
        "basis": s.basis,
        "alleged_by": s.alleged_by,
        "held_at": s.held_at,
        "classifier": classifier,
    }
    return Observation(
        id=digest("observation", identity),
        actor=s.actor,
        axis=s.axis,
        polarity=s.polarity,
        basis=s.basis,
        alleged_by=s.alleged_by,
        confidence=round(s.confidence, 4),
        evidence=Evidence(start=s.start, end=s.end, text=article.body[s.start : s.end]),
        held_at=s.held_at,
        published_at=article.published_at,
        observed_at=observed_at,
        article_id=article.article_id,
        revision=article.revision,
        title=article.title,
        url=article.url,
        duplicate_of=article.duplicate_of,
        classifier=classifier,
    )
