"""What rules would have sent, to read on a terminal. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from shared.events import StanceChange
from stance_service.alerts import wording
from stance_service.alerts.rules import Rule, Tags


def preview(rules: Iterable[Rule], changes: Sequence[StanceChange], tags: Tags, earliest: datetime) -> RenderableType:
    """Each rule with the changes that it would have sent, of those to positions that began at `earliest` or later."""
    trees = []
    count = sum(change.effective_at >= earliest for change in changes)
    for rule in rules:
        wanted = [change for change in rule.selected(changes, tags) if change.effective_at >= earliest]
        tree = Tree(Text(f"{rule.name}: {len(wanted)} of {count} changes → {', '.join(sorted(rule.channels))}"))
        for change in wanted:
            tree.add(Text(wording.headline(change)))
        trees.append(tree)
    return Group(*trees)


def unknown_actors(rules: Iterable[Rule], changes: Iterable[StanceChange], tags: Tags) -> Iterator[str]:
    """What to say of each actor in a rule that is neither registered nor has changes: a misspelt one sends nothing."""
    known = sorted({*tags, *(change.actor for change in changes)})
    for rule in rules:
        for actor in sorted(rule.actors.difference(known)):
            close = get_close_matches(actor, known)
            hint = f"; close to it: {', '.join(close)}" if close else ""
            yield f"rule {rule.name}: actor {actor} is neither in the registry nor in any change{hint}"
