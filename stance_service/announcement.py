"""What subscribers are told of a turn: before and after, and the observations that brought it about. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import asdict

from shared.events import Axis, Cause, Digest, Position, Slug, StanceChange
from shared.ids import digest
from stance_service.changes import Turn
from stance_service.evidence import Weighed
from stance_service.records import Shown
from stance_service.timeline import position, position_record

NAMED: Final = 10
"""A change names at most so many causes."""


class Circumstances(NamedTuple):
    """What a reader of a change needs to know beside the turn."""

    actor: Slug
    axis: Axis
    recorded_at: datetime
    parameters: str
    triggers: Sequence[Weighed]
    """Own observations on the axis that began or ceased to count since the last announcement."""
    withdrawn: Collection[Digest]
    """Those of them that ceased to."""


def announcement(turn: Turn, circumstances: Circumstances) -> StanceChange:
    """The event."""
    before = position(turn.before) if turn.before else None
    after = position(turn.after) if turn.after else None
    shown = after if after is not None and (after.polarity is not None or before is None) else before
    detected_at = circumstances.recorded_at
    content = {
        "kind": turn.kind,
        "actor": circumstances.actor,
        "axis": circumstances.axis,
        "before": turn.before and asdict(position_record(turn.before)),
        "after": turn.after and asdict(position_record(turn.after)),
        "detected_at": detected_at.isoformat(),
        "parameters": circumstances.parameters,
    }
    return StanceChange(
        id=digest("change", content),
        kind=turn.kind,
        actor=circumstances.actor,
        axis=circumstances.axis,
        before=before,
        after=after,
        effective_at=shown.held_from if shown else detected_at,
        detected_at=detected_at,
        probability=after.probability if after else 0.5,
        causes=tuple(_causes(turn, after, circumstances)),
        parameters=circumstances.parameters,
    )


def _causes(turn: Turn, after: Position | None, circumstances: Circumstances) -> list[Cause]:
    polarity = after.polarity if after else None
    named: dict[Digest, Shown] = {}
    for each in circumstances.triggers:
        id_ = each.observation.id
        if polarity is None or each.polarity == polarity or id_ in circumstances.withdrawn:
            named[id_] = each.observation
    if turn.after is not None and after is not None and polarity:
        weighty = {item.observation.id: item for item in turn.after.heaviest}
        for id_ in after.observations:
            if weighty[id_].polarity == polarity:
                named.setdefault(id_, weighty[id_].observation)
    return [_cause(each, withdrawn=each.id in circumstances.withdrawn) for each in list(named.values())[:NAMED]]


def _cause(observation: Shown, *, withdrawn: bool) -> Cause:
    return Cause(
        observation=observation.id,
        polarity=observation.polarity,
        basis=observation.basis,
        confidence=observation.confidence,
        evidence=observation.evidence.text,
        held_at=observation.held_at,
        published_at=observation.published_at,
        article_id=observation.article_id,
        revision=observation.revision,
        title=observation.title,
        url=observation.url,
        classifier=observation.classifier,
        withdrawn=withdrawn,
    )
