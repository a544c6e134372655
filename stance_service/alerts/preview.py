"""What rules would have sent, to read on a terminal. Pure."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from shared.events import StanceChange
from stance_service.alerts import wording
from stance_service.alerts.rules import Rule, Tags


def preview(rules: Iterable[Rule], changes: Sequence[StanceChange], tags: Tags) -> RenderableType:
    """Each rule with the changes that it wants."""
    trees = []
    for rule in rules:
        wanted = [change for change in changes if rule.wants(change, tags)]
        tree = Tree(Text(f"{rule.name}: {len(wanted)} of {len(changes)} changes → {', '.join(sorted(rule.channels))}"))
        for change in wanted:
            tree.add(Text(wording.headline(change)))
        trees.append(tree)
    return Group(*trees)
