"""Stance changes in words, for messages to people. Pure."""

from collections.abc import Sequence
from typing import Final

from shared.events import Position, StanceChange
from stance_service.report import words

_LONGEST: Final = 300


def subject(changes: Sequence[StanceChange]) -> str:
    """One line."""
    return headline(changes[0]) if len(changes) == 1 else f"{len(changes)} stance changes"


def body(changes: Sequence[StanceChange]) -> str:
    """Each change with its evidence."""
    return "\n\n".join("\n".join([headline(change), *_evidence(change)]) for change in changes)


def headline(change: StanceChange) -> str:
    """Who turned, on what, from where to where, and since when."""
    return (
        f"{change.actor}, {change.axis}: {_held(change, change.before)} → {_held(change, change.after)} "
        f"from {change.effective_at.date()} ({change.kind.value}, {change.probability:.0%})"
    )


def _held(change: StanceChange, position: Position | None) -> str:
    return "nothing known" if position is None else words(change.axis, position.polarity)


def _evidence(change: StanceChange) -> list[str]:
    lines = []
    for cause in change.causes:
        quote = " ".join(cause.evidence.split())
        shown = quote if len(quote) <= _LONGEST else f"{quote[: _LONGEST - 1]}…"
        source = ", ".join(part for part in (cause.title, str(cause.published_at.date()), cause.url) if part)
        lines.append(f"“{shown}” — {source}{' (withdrawn)' if cause.withdrawn else ''}")
    return lines
