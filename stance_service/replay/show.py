"""How far a replay has come, and what it found out."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from rich.tree import Tree

from stance_service.replay.comparing import Difference, Kind, wording
from stance_service.replay.plan import Plan
from stance_service.replay.processes import Tick
from stance_service.replay.run import Outcome

SHOWN: Final = 50
_STYLES: Final = {Kind.CHANGED: "yellow", Kind.MISSING: "red", Kind.ADDED: "green"}


class Bars:
    """One for each stage, on standard error."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Tick]:
        """See `run.Stages`."""
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=total)
            yield lambda count: progress.advance(task, count)


def summary(plan: Plan, outcome: Outcome, *, compared: bool) -> RenderableType:
    """To read on a terminal; of many differences only the first."""
    lines: list[RenderableType] = []
    if plan.articles:
        lines.append(Text(f"{outcome.articles} articles read by {plan.classifier}"))
        lines += [Text(f"{each.article_id} was not read: {each.failure}", "red") for each in outcome.unread]
    if outcome.records:
        told = f"{outcome.records} observations of {outcome.actors} actors folded under {plan.parameters.version}: "
        lines.append(Text(f"{told}{outcome.positions} timelines, {outcome.changes} changes"))
    if outcome.went_on:
        lines.append(Text(f"{outcome.went_on} timelines were not compared: they know more than the range", "yellow"))
    if compared:
        lines += _compared(outcome.differences)
    return Group(*lines)


def as_json(plan: Plan, outcome: Outcome) -> str:
    """All of it."""
    return json.dumps(
        {
            "plan": plan.model_dump(mode="json"),
            "parameters": plan.parameters.version,
            "articles": outcome.articles,
            "unread": [each.model_dump(mode="json") for each in outcome.unread],
            "observations": outcome.records,
            "actors": outcome.actors,
            "timelines": outcome.positions,
            "changes": outcome.changes,
            "not_compared": outcome.went_on,
            "differences": [_fields(each) for each in outcome.differences],
        },
        indent=1,
        ensure_ascii=False,
    )


def _compared(differences: list[Difference]) -> Iterator[RenderableType]:
    if not differences:
        yield Text("Nothing differs from what was recorded.", "green")
        return
    counts = Counter((each.of, each.kind.value) for each in differences)
    yield Text(
        ", ".join(f"{count} {of}{'s' if count > 1 else ''} {kind}" for (of, kind), count in sorted(counts.items())),
        "bold",
    )
    for each in differences[:SHOWN]:
        tree = Tree(Text(f"{each.actor}, {each.axis}: {wording(each)}", _STYLES[each.kind]))
        for reason in each.why:
            tree.add(Text(reason, "dim"))
        yield tree
    if len(differences) > SHOWN:
        yield Text(f"and {len(differences) - SHOWN} more; --report FILE has all", "bold")


def _fields(difference: Difference) -> dict[str, Any]:
    return {
        "of": difference.of,
        "kind": difference.kind.value,
        "actor": difference.actor,
        "axis": difference.axis,
        "recorded": difference.recorded,
        "replayed": difference.replayed,
        "why": difference.why,
    }
