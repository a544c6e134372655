"""Webhooks as https://www.standardwebhooks.com specifies them."""

import json
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import Webhook

from stance_service.alerts.channels.base import Notice
from stance_service.alerts.channels.http import Poster


@dataclass(frozen=True)
class WebhookChannel:
    """An endpoint that verifies our signature."""

    poster: Poster
    url: str
    signer: Webhook

    async def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        content = json.dumps(_payload(notice), ensure_ascii=False)
        headers = {
            "webhook-id": notice.id,
            "webhook-timestamp": str(int(notice.sent_at.timestamp())),
            "webhook-signature": self.signer.sign(notice.id, notice.sent_at, content),
        }
        await self.poster.post(self.url, content.encode(), headers)


def _payload(notice: Notice) -> dict[str, Any]:
    changes = [change.model_dump(mode="json") for change in notice.changes]
    return {
        "type": "stance.digest" if notice.digest else f"stance.change.{notice.changes[0].kind.value}",
        "timestamp": notice.sent_at.isoformat().replace("+00:00", "Z"),
        "data": {"rule": notice.rule, "changes": changes},
    }
