"""Positions as the network sees them in single sentences, and what else in the article speaks for them. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest

from shared.events import Basis, Polarity
from stance_service.actors.names import CastMember
from stance_service.actors.registry import Registry
from stance_service.classifiers.artefact import Signs, log_odds
from stance_service.passages import Sentence

ENOUGH_MENTIONS = 6
"""Long articles name their actors more often: from here on that says nothing more."""
LIKELIER_THAN_NOT = 0.5
UNKNOWN = Signs(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What may be a position of an actor, shown at `place` with probability `p`, as the network sees it."""

    actor: str
    axis: str
    polarity: Polarity
    basis: Basis
    alleged_by: str | None
    place: Sentence
    p: float
    signs: Signs = UNKNOWN

    @property
    def position(self) -> tuple[str, str, Polarity, bool]:
        """What other sentences may show too: whose, on which axis, which polarity, and whether it is alleged."""
        return self.actor, self.axis, self.polarity, self.alleged_by is not None


def with_signs(findings: Sequence[Finding], cast: Iterable[CastMember], registry: Registry) -> list[Finding]:
    """The findings of one article with their signs: of each position the likeliest, and others likelier than not."""
    by_position: dict[tuple[str, str, Polarity, bool], list[float]] = {}
    for each in findings:
        by_position.setdefault(each.position, []).append(each.p)
    likeliest = {position: nlargest(2, ps) for position, ps in by_position.items()}
    actors = {member.slug: _actor_signs(member, registry) for member in cast}
    found = []
    for each in findings:
        first, *others = likeliest[each.position]
        another = first if each.p < first else max(others, default=0.0)
        if each.p == first or each.p >= LIKELIER_THAN_NOT:
            found.append(replace(each, signs=Signs(log_odds(each.p), log_odds(another), *actors[each.actor])))
    return found


def _actor_signs(member: CastMember, registry: Registry) -> tuple[float, float, float]:
    certainty = sum(span.certainty for span in member.spans) / len(member.spans)
    mentions = math.log(min(len(member.spans), ENOUGH_MENTIONS))
    return mentions, log_odds(certainty), float(member.slug in registry.by_slug)
