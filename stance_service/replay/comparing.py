"""What differs between recorded and replayed positions and changes, and why. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, Literal

from shared.events import Axis, Observation, Position, Slug, StanceChange
from stance_service.records import Shown

Key = tuple[Slug, Axis]
View = Mapping[str, Any]
"""What is compared of an observation, a position or a change, as JSON would have it."""
_REASONS: Final = 5


class Kind(StrEnum):
    """How what was replayed relates to what was recorded."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"


@dataclass(frozen=True)
class Difference:
    """One thing that isn't as it was recorded: missing if it was only recorded, added if only replayed."""

    of: Literal["observation", "position", "change"]
    actor: Slug
    axis: Axis
    recorded: View | None
    replayed: View | None
    why: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """See `Kind`."""
        if self.recorded is None:
            return Kind.ADDED
        return Kind.MISSING if self.replayed is None else Kind.CHANGED

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What was recorded and what was replayed, where that differs."""
        was, now = self.recorded or {}, self.replayed or {}
        return {name: (was.get(name), now.get(name)) for name in {**was, **now} if was.get(name) != now.get(name)}


def observations(recorded: Iterable[Shown], replayed: Iterable[Observation]) -> list[Difference]:
    """What articles show, the first time and now."""
    return _differences("observation", _views(recorded, _observed), _views(replayed, _observed), _of_one_article)


def positions(
    recorded: Mapping[Key, Sequence[Position]], replayed: Mapping[Key, Sequence[Position]]
) -> list[Difference]:
    """Of actors and axes that both, or one of both, tell of."""
    was = {key: [_held(each) for each in known] for key, known in recorded.items()}
    now = {key: [_held(each) for each in known] for key, known in replayed.items()}
    return _differences("position", was, now, _meet)


def changes(recorded: Iterable[StanceChange], replayed: Iterable[StanceChange]) -> list[Difference]:
    """By what they tell. Their ids also say under which parameters they came about."""
    return _differences("change", _views(recorded, _told), _views(replayed, _told), _of_one_record)


def explained(
    found: Iterable[Difference], observed: Iterable[Difference], recorded_under: Mapping[Key, str], parameters: str
) -> list[Difference]:
    """With what they may come from: parameters, and observations of the same actor and axis that differ."""
    by_key: dict[Key, list[Difference]] = defaultdict(list)
    for each in observed:
        by_key[each.actor, each.axis].append(each)
    return [
        replace(
            each,
            why=tuple(_reasons(by_key[each.actor, each.axis], recorded_under.get((each.actor, each.axis)), parameters)),
        )
        for each in found
    ]


def _reasons(observed: Sequence[Difference], under: str | None, parameters: str) -> list[str]:
    reasons = [] if under in {None, parameters} else [f"parameters {under}, now {parameters}"]
    reasons += [wording(each) for each in observed[:_REASONS]]
    if len(observed) > _REASONS:
        reasons.append(f"and {len(observed) - _REASONS} more observations that differ")
    return reasons or ["parameters and observations are the same: the code differs, or the recorded one was altered"]


def wording(difference: Difference) -> str:
    """In one line."""
    view = difference.replayed or difference.recorded or {}
    if difference.kind is Kind.CHANGED:
        told = ", ".join(f"{name} {was} → {now}" for name, (was, now) in difference.fields.items())
    else:
        told = ", ".join(f"{name} {value}" for name, value in view.items() if name not in {"article_id", "revision"})
    where = f" (article {view['article_id'][:12]}, revision {view['revision']})" if "article_id" in view else ""
    return f"{difference.of} {difference.kind.value}: {told}{where}"


def _views(items: Iterable[Any], view: Callable[[Any], View]) -> dict[Key, list[View]]:
    found: dict[Key, list[View]] = defaultdict(list)
    for item in items:
        found[item.actor, item.axis].append(view(item))
    return found


def _differences(
    of: Literal["observation", "position", "change"],
    recorded: Mapping[Key, Sequence[View]],
    replayed: Mapping[Key, Sequence[View]],
    akin: Callable[[View, View], bool],
) -> list[Difference]:
    """What has no equal, in pairs where two are akin."""
    found: list[Difference] = []
    for actor, axis in sorted({*recorded, *replayed}):
        now = list(replayed.get((actor, axis), ()))
        was = [each for each in recorded.get((actor, axis), ()) if not _taken(now, each.__eq__)]
        for each in was:
            partner = _taken(now, partial(akin, each))
            found.append(Difference(of, actor, axis, each, partner[0] if partner else None))
        found += [Difference(of, actor, axis, None, each) for each in now]
    return found


def _taken(views: list[View], fits: Callable[[View], bool]) -> list[View]:
    """The first that fits, taken out; empty if none does."""
    for number, each in enumerate(views):
        if fits(each):
            return [views.pop(number)]
    return []


def _observed(each: Shown) -> View:
    return {
        "article_id": each.article_id,
        "revision": each.revision,
        "polarity": each.polarity,
        "basis": each.basis.value,
        "alleged_by": each.alleged_by,
        "confidence": each.confidence,
        "held_at": each.held_at,
        "evidence": each.evidence.text,
    }


def _of_one_article(one: View, other: View) -> bool:
    return (one["article_id"], one["revision"]) == (other["article_id"], other["revision"])


def _held(position: Position) -> View:
    return position.model_dump(mode="json", exclude={"observations"})


def _meet(one: View, other: View) -> bool:
    return bool(
        one["polarity"] == other["polarity"]
        and (other["held_until"] is None or one["held_from"] < other["held_until"])
        and (one["held_until"] is None or other["held_from"] < one["held_until"])
    )


def _told(change: StanceChange) -> View:
    told = change.model_dump(mode="json", include={"kind", "effective_at", "detected_at", "probability"})
    sides = {"before": change.before, "after": change.after}
    return told | {name: side and side.polarity for name, side in sides.items()}


def _of_one_record(one: View, other: View) -> bool:
    return bool(
        one["detected_at"] == other["detected_at"]
        or (one["kind"], one["after"], one["effective_at"]) == (other["kind"], other["after"], other["effective_at"])
    )
