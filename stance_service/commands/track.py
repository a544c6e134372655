"""`stance-service track`: observations in; positions and changes out."""

from collections.abc import Callable

from shared import broker
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.transactions import TransactionalLoop


def track(settings: BrokerSettings, parameters: Parameters, member: str | None, stopping: Callable[[], bool]) -> None:
    """Works until `stopping()`. On the embedded broker, which never misses a dead worker, the default name is `0`."""
    if member is None and settings.embedded:
        member = "0"
    with broker.running(settings) as reachable:
        TransactionalLoop(reachable, parameters, member).run(stopping)
