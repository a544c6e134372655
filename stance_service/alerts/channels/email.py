"""E-mail by SMTP."""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from stance_service.alerts import wording
from stance_service.alerts.channels.base import DeliveryError, Notice
from stance_service.alerts.specs import EmailSpec


@dataclass(frozen=True)
class EmailChannel:
    """One message to all recipients; its Message-ID is the notice's id, so that mailboxes can drop repeats."""

    spec: EmailSpec
    password: str | None
    seconds: float

    async def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        try:
            async with asyncio.timeout(self.seconds):
                await aiosmtplib.send(
                    self._message(notice),
                    hostname=self.spec.host,
                    port=self.spec.port,
                    username=self.spec.username,
                    password=self.password,
                    use_tls=self.spec.security == "tls",
                    start_tls=self.spec.security == "starttls",
                    timeout=self.seconds,
                )
        except TimeoutError:
            raise DeliveryError(f"no answer for {self.seconds:.0f} s") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.spec.sender
        message["To"] = ", ".join(self.spec.to)
        message["Subject"] = wording.subject(notice.changes)
        message["Date"] = format_datetime(notice.sent_at)
        message["Message-ID"] = f"<{notice.id}@stancewatch>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{wording.body(notice.changes)}\n\nRule: {notice.rule}\n")
        return message
