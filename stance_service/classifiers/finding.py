"""Positions as the network sees them in single sentences, and what else in the article speaks for them. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.events import Basis, Polarity
from stance_service.actors.names import CastMember
from stance_service.actors.registry import Registry
from stance_service.classifiers.artefact import Signs, log_odds
from stance_service.passages import Sentence

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
    """The findings of one article with their signs."""
    absent: dict[tuple[str, str, Polarity, bool], float] = {}
    for each in findings:
        absent[each.position] = absent.get(each.position, 1.0) * (1.0 - each.p)
    actors = {member.slug: _actor_signs(member, registry) for member in cast}
    return [
        replace(each, signs=Signs(log_odds(each.p), log_odds(1.0 - absent[each.position]), *actors[each.actor]))
        for each in findings
    ]


def _actor_signs(member: CastMember, registry: Registry) -> tuple[float, float, float]:
    certainty = sum(span.certainty for span in member.spans) / len(member.spans)
    return math.log(len(member.spans)), log_odds(certainty), float(member.slug in registry.by_slug)
