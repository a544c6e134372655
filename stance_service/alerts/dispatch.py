"""From the outbox to the channels: each on its own, so that one that hangs delays no other."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from shared.cloudevents import from_kafka
from shared.dead_letters import Record
from shared.errors import StanceError
from shared.observability import NOTICES
from stance_service.alerts.channels.base import Channel, DeliveryError, Notice
from stance_service.alerts.outbox import Outbox, Waiting
from stance_service.alerts.retrying import Patience

_LOOK_SECONDS: Final = 0.5

_log = logging.getLogger(__name__)

Park = Callable[[Record, str], Awaitable[None]]
"""Writes a dead letter with the reason, and returns when it is there."""


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


class Dispatcher:
    """Sends what is due, tries again what failed, and parks what no channel takes."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        patience: Patience,
        park: Park,
        *,
        clock: Callable[[], datetime] = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._patience = patience
        self._park = park
        self._clock = clock
        self._jitter = jitter

    async def run(self) -> None:
        """Until cancelled; what is being sent then is sent again after the next start."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in self._channels:
                    group.create_task(self._serve(name))
        except* StanceError as failures:
            raise failures.exceptions[0] from None

    async def turn(self, name: str) -> bool:
        """One attempt to deliver to a channel; False if nothing is due there."""
        waiting = self._outbox.next_due(name, self._clock())
        if waiting is None:
            return False
        if (reason := self._outbox.disabled(name)) is not None:
            await self._give_up(waiting, f"channel {name} is disabled: {reason}")
            return True
        try:
            await self._channels[name].send(_notice(waiting, self._clock()))
        except DeliveryError as error:
            await self._failed(waiting, error)
        else:
            self._outbox.sent(waiting)
            NOTICES.labels(name, "sent").inc()
        return True

    async def _serve(self, name: str) -> None:
        while True:
            if not await self.turn(name):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _failed(self, waiting: Waiting, error: DeliveryError) -> None:
        NOTICES.labels(waiting.channel, "failed").inc()
        now = self._clock()
        pause = max(self._patience.pause(waiting.failures + 1, self._jitter()), error.retry_after)
        failing_since = self._outbox.failed(waiting, now, now + pause)
        _log.warning("channel %s, notice %s: %s", waiting.channel, waiting.notice, error)
        if error.gone or now - failing_since >= self._patience.disable:
            reason = f"nothing was taken since {failing_since:%Y-%m-%d %H:%M} UTC: {error}"
            self._outbox.disable(waiting.channel, reason)
            _log.error(
                "channel %s is disabled, %s. When it works again: stance-service alert RULES --enable %s",
                *(waiting.channel, reason, waiting.channel),
            )
            await self._give_up(waiting, f"channel {waiting.channel} is disabled: {reason}")
        elif now - (waiting.failing_since or now) >= self._patience.give_up:
            await self._give_up(waiting, f"channel {waiting.channel} did not take it: {error}")

    async def _give_up(self, waiting: Waiting, reason: str) -> None:
        for record in waiting.records:
            await self._park(record, reason)
        self._outbox.parked(waiting)
        NOTICES.labels(waiting.channel, "parked").inc()


def _notice(waiting: Waiting, now: datetime) -> Notice:
    changes = tuple(from_kafka(record.headers, record.value) for record in waiting.records)
    return Notice(waiting.notice, waiting.rule, changes, now, digest=waiting.notice != changes[0].id)
