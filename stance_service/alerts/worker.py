"""Subscriber and dispatcher together, in one event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from faststream.kafka import KafkaBroker

from shared import broker
from shared.dead_letters import DeadLetter, Record, park
from shared.health import Progress, Readiness
from shared.observability import project_version
from shared.settings import BrokerSettings
from stance_service.alerts.dispatch import Dispatcher, Park
from stance_service.alerts.subscriber import Subscriber

_TURN_SECONDS: Final = 0.2
_SERVICE: Final = "stance-service alert"


async def work(
    faststream: KafkaBroker,
    subscriber: Subscriber,
    dispatcher: Dispatcher,
    *,
    stopping: Callable[[], bool],
    progress: Progress,
    readiness: Readiness,
) -> None:
    """Until `stopping()`. Notices that are being sent then are sent again after the next start.

    Raises what subscriber or dispatcher can't go on after.
    """
    async with faststream:
        await faststream.start()
        readiness.missing = None
        dispatching = asyncio.create_task(dispatcher.run())
        while not stopping() and subscriber.failure is None and not dispatching.done():
            progress.beat()
            await asyncio.sleep(_TURN_SECONDS)
        dispatching.cancel()
        with suppress(asyncio.CancelledError):
            await dispatching
    if subscriber.failure is not None:
        raise subscriber.failure


def parker(settings: BrokerSettings) -> Park:
    """Parks with a producer of its own."""
    producer = broker.producer(settings)

    async def parking(record: Record, reason: str) -> None:
        await asyncio.to_thread(park, producer, DeadLetter(record, reason, _SERVICE, project_version()))

    return parking
