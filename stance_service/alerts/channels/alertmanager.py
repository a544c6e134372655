"""Prometheus Alertmanager, API v2."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.events import StanceChange
from stance_service.alerts import wording
from stance_service.alerts.channels.base import Notice
from stance_service.alerts.channels.http import Poster

FIRING: Final = timedelta(hours=1)
"""How long an alert lasts: a change is over at once, but Alertmanager groups and repeats only what lasts."""


@dataclass(frozen=True)
class AlertmanagerChannel:
    """Each change is an alert of its own, told apart by the label `change`."""

    poster: Poster
    url: str

    async def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        alerts = [_alert(change, notice.rule, notice.sent_at) for change in notice.changes]
        await self.poster.post(f"{self.url.rstrip('/')}/api/v2/alerts", json.dumps(alerts).encode())


def _alert(change: StanceChange, rule: str, sent_at: datetime) -> dict[str, Any]:
    urls = [cause.url for cause in change.causes if cause.url]
    return {
        "labels": {
            "alertname": "StanceChange",
            "rule": rule,
            "actor": change.actor,
            "axis": change.axis,
            "kind": change.kind.value,
            "change": change.id,
        },
        "annotations": {"summary": wording.headline(change), "description": wording.body([change])},
        "startsAt": sent_at.isoformat(),
        "endsAt": (sent_at + FIRING).isoformat(),
        **({"generatorURL": urls[0]} if urls else {}),
    }
