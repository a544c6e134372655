"""An explanation to read on a terminal. Pure."""

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from shared.events import Axis, Position, StanceChange
from stance_service.audit.explanation import ChainPlace, Explanation, Reason, Without
from stance_service.report import words


def text(explanation: Explanation) -> RenderableType:
    """The change, its reasons, and what proves them."""
    change = explanation.change
    tree = Tree(Text(f"{change.kind.value} of {change.actor} on {change.axis}, {change.effective_at.date()}", "bold"))
    tree.add(f"before: {_position(change.before, change.axis)}", highlight=False)
    tree.add(f"after: {_position(change.after, change.axis)}", highlight=False)
    because = tree.add(Text("because of", "bold"))
    for each in explanation.reasons:
        _reason(because, each, change)
    proof = tree.add(Text("proof", "bold"))
    proof.add(Text(f"change {change.id}\n{explanation.place}\nparameters {change.parameters}"))
    _chain(proof, explanation.chain, change.actor)
    return Group(tree, *(Text(note, "yellow") for note in explanation.notes))


def _reason(tree: Tree, reason: Reason, change: StanceChange) -> None:
    cause = reason.cause
    line = Text(f"{cause.held_at or cause.published_at.date().isoformat()}  {cause.basis.value}: ", "bold")
    line.append(f"{words(change.axis, cause.polarity)}, confidence {cause.confidence:.2f}")
    line.append("  withdrawn" if cause.withdrawn else "", "yellow")
    branch = tree.add(line)
    quote = reason.source.quote if reason.source else None
    shown = Text(quote.before if quote else "", "dim")
    shown.append(f"«{cause.evidence}»", "not dim italic").append(quote.after if quote else "")
    branch.add(shown)
    branch.add(Text(f"{cause.title or 'untitled'}, {cause.published_at.date()}, {cause.url or 'no address'}"))
    branch.add(Text(_without(reason.without, change)))
    branch.add(Text("\n".join(_provenance(reason)), "dim"))


def _provenance(reason: Reason) -> list[str]:
    cause, found = reason.cause, reason.source
    lines = [f"article {cause.article_id}, revision {cause.revision}"]
    if found is not None:
        by = f"published by {found.publisher}, " if found.publisher else ""
        lines += [
            f"  {by}published_at {found.published_at.isoformat()} from {found.published_origin}",
            f"  raw document {found.raw_digest}, normalised by {found.normaliser}",
            f"  {found.place}",
        ]
    where = reason.place or "no longer on its topic"
    return [*lines, f"observation {cause.observation}", f"  {where}", f"  judged by {cause.classifier}"]


def _without(without: Without | None, change: StanceChange) -> str:
    if without is None:
        return "without it: can't be told"
    same = "the same would have been announced" if without.announced else "this would not have been announced"
    held = f"on {change.effective_at.date()}: {_position(without.position, change.axis)}"
    instead = "".join(
        f"\n  announced instead: {each.kind.value}, {words(change.axis, each.polarity)} from {each.effective_at.date()}"
        for each in without.instead
    )
    return f"without it: {same}; {held}{instead}"


def _chain(tree: Tree, chain: ChainPlace, actor: str) -> None:
    if chain.sequence is None:
        tree.add(Text("announced before changes were chained"))
    else:
        tree.add(Text(f"number {chain.sequence} of {actor}\nhash {chain.hash}\nhash before {chain.previous or 'none'}"))
    if chain.checkpoint is None:
        tree.add(Text("no trusted checkpoint seals it", "yellow"))
    else:
        sealed = f"sealed by checkpoint {chain.checkpoint.sequence}, {chain.checkpoint.signed_at.isoformat()}"
        tree.add(Text(f"{sealed}, key {chain.checkpoint.key}"))
    for reason in chain.wrong:
        tree.add(Text(f"altered: {reason}", "bold red"))
    if not chain.wrong:
        tree.add(Text("the chains of its partition are unbroken", "green"))


def _position(held: Position | None, axis: Axis) -> str:
    if held is None:
        return "nothing known"
    until = f" to {held.held_until.date()}" if held.held_until else ""
    evidence = f"on {held.count} observation{'' if held.count == 1 else 's'}"
    return f"{words(axis, held.polarity)}, {held.probability:.1%}, from {held.held_from.date()}{until}, {evidence}"
