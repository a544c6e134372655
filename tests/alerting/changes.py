"""Stance changes and rules for tests of alerts: name what matters, the rest is that of a golden event."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.cloudevents import to_kafka
from shared.dead_letters import Record
from shared.events import StanceChange
from shared.ids import digest
from stance_service.alerts.rulebook import Known, Rulebook, parse
from stance_service.alerts.rules import Rule

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "events" / "stance.changes.v1"
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
KNOWN = Known({"openness", "profit"}, {"openai": frozenset({"lab"}), "meta": frozenset({"lab", "platform"})})


def change(name: str = "a", kind: str = "shift", **fields: Any) -> StanceChange:
    """With an id of its name."""
    golden = StanceChange.model_validate_json((GOLDEN / f"{kind}.json").read_bytes())
    return golden.model_copy(update={"id": digest("change", {"name": name}), **fields})


def record(of: StanceChange, offset: int = 0) -> Record:
    """As it would be read from the topic."""
    key, headers, value = to_kafka(of)
    plain = tuple((name, item.encode() if isinstance(item, str) else item) for name, item in headers)
    return Record("stance.changes.v1", 0, offset, key, value, plain, 1_700_000_000_000)


def rule(**fields: Any) -> Rule:
    """Wants everything, at once, unless fields say otherwise."""
    return Rule.model_validate({"name": "all", "channels": ["here"], **fields})


def rulebook(text: str) -> Rulebook:
    """As the file `rules.yaml`."""
    return parse(text, "rules.yaml", KNOWN)
