"""What every channel does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.errors import TransientError
from shared.events import StanceChange


@dataclass(frozen=True)
class Notice:
    """One message: a change, or those of a digest. `id` is the same in every attempt, and a single change's own."""

    id: str
    rule: str
    changes: tuple[StanceChange, ...]
    sent_at: datetime
    digest: bool


class DeliveryError(TransientError):
    """A notice was not taken. `gone`: none ever will be; `retry_after`: the endpoint wants to be left alone so long."""

    def __init__(self, reason: str, *, gone: bool = False, retry_after: timedelta = timedelta()) -> None:
        super().__init__(reason)
        self.gone = gone
        self.retry_after = retry_after


class Channel(Protocol):
    """Delivers notices, in bounded time."""

    async def send(self, notice: Notice) -> None:
        """Returns once the other side has taken it; raises DeliveryError if it may not have."""
