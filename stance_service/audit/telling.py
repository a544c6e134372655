"""A verdict to read on a terminal, and for programs. Pure."""

from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from stance_service.audit.findings import Finding, Verdict

_LONGEST: Final = 200


def text(verdict: Verdict) -> RenderableType:
    """Differences first, then what couldn't be verified, then what was."""
    lines: list[RenderableType] = []
    if verdict.differences:
        lines.append(Text(f"Differences: {len(verdict.differences)}", "bold red"))
        lines += [_finding(number, each) for number, each in enumerate(verdict.differences, 1)]
    if verdict.unverifiable:
        lines.append(Text("Not verified", "bold yellow"))
        lines += [Text(f"- {each}") for each in verdict.unverifiable]
    lines += [Text(each, "dim") for each in verdict.notes]
    done = ", ".join(f"{number} {what}" for what, number in verdict.verified.items())
    lines.append(Text(f"Verified: {done}."))
    if verdict.status == 0:
        lines.append(Text("All is as it has to be.", "bold green"))
    return Group(*lines)


def json(verdict: Verdict) -> str:
    """One JSON object."""
    return msgspec.json.encode(fields(verdict)).decode()


def fields(verdict: Verdict) -> dict[str, Any]:
    """What there is to say, as JSON has it."""
    return {
        "status": verdict.status,
        "differences": [_fields(each) for each in verdict.differences],
        "unverifiable": verdict.unverifiable,
        "notes": verdict.notes,
        "verified": verdict.verified,
    }


def _fields(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "topic": finding.place.topic,
        "partition": finding.place.partition,
        "offset": finding.place.offset,
        "subject": finding.subject,
        "reason": finding.reason,
        "fields": {name: {"recorded": one, "right": other} for name, (one, other) in finding.fields.items()},
    }


def _finding(number: int, finding: Finding) -> Text:
    line = Text(f"{number}. ")
    line.append(finding.kind.value, "bold magenta").append(f"  {finding.place}")
    line.append(f"  {finding.subject}\n" if finding.subject else "\n", "cyan")
    line.append(f"   {finding.reason}")
    for name, (recorded, right) in finding.fields.items():
        line.append(f"\n   {name}: ", "bold").append(f"{_short(recorded)} is recorded, {_short(right)} is right")
    return line


def _short(value: object) -> str:
    shown = msgspec.json.encode(value).decode()
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
