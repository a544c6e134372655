"""Incoming webhooks of Slack, and of others that read its messages."""

import json
from dataclasses import dataclass

from stance_service.alerts import wording
from stance_service.alerts.channels.base import Notice
from stance_service.alerts.channels.http import Poster


@dataclass(frozen=True)
class SlackChannel:
    """Messages are plain text: what articles say is never read as markup, mention or link."""

    poster: Poster
    url: str

    async def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        text = wording.body(notice.changes)
        for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, escaped)
        await self.poster.post(self.url, json.dumps({"text": text, "mrkdwn": False}).encode())
