"""Article to Observations. Pure: no broker, file, environment or clock."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from shared.errors import PermanentError
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

FIRST_YEAR = 1800
CLOCK_TOLERANCE = timedelta(days=2)
"""How far ahead a publication may be dated: time zones, papers dated for tomorrow."""


@dataclass(eq=False)  # frozen ones can't be given a traceback
class RefusedError(PermanentError):
    """What an article or its judgements say can't be true."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


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


def checked(
    article: Article, judgements: Iterable[Judgement], axes: Collection[str], now: UtcDatetime
) -> list[Judgement]:
    """The judgements of an article; raises RefusedError for those and for publication dates that can't be true."""
    at = article.published_at
    if at.year < FIRST_YEAR or at > now + CLOCK_TOLERANCE:
        raise RefusedError("published_at", f"{at.isoformat()} is before {FIRST_YEAR} or in the future")
    found = list(judgements)
    for each in found:
        if each.axis not in axes:
            raise RefusedError("axis", f"{each.axis!r} is none of {', '.join(sorted(axes))}; see STANCE_PROPOSITIONS")
        if not 0 <= each.confidence <= 1:
            raise RefusedError("confidence", f"{each.confidence} is no probability")
        if not 0 <= each.start < each.end <= len(article.body):
            raise RefusedError("evidence", f"{each.start}..{each.end} is no part of {len(article.body)} characters")
    return found


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
