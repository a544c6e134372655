"""What all long-running commands have in common: signals, logs, health, and Kafka, in this order."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from shared import workers
from shared.health import Checks, Progress, Readiness, serving_health
from shared.observability import configure_logging
from shared.settings import BrokerSettings, HealthSettings, LogSettings
from shared.termination import leave
from stance_service import stopping

Member = Annotated[
    str | None, typer.Option(help="A lasting name for this worker: after a restart it takes over at once.")
]


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """A process that works until it is asked to stop."""

    settings: BrokerSettings
    progress: Progress
    readiness: Readiness
    asked: Callable[[], bool]
    """Whether it was asked to stop."""

    def member(self, named: str | None) -> str | None:
        """Its lasting name in the consumer group, if it has one."""
        if named is None and self.settings.embedded:
            return "0"  # the embedded broker never misses a dead worker
        return named

    def connected(self) -> AbstractContextManager[BrokerSettings]:
        """Wait for Kafka; gives the settings to reach it with."""
        return workers.connected(self.settings, self.progress, self.readiness, self.asked)


@contextmanager
def working(command: str, longest_step_seconds: float, waiting_for: str) -> Iterator[Worker]:
    """Begin a long-running command: it counts as dead after the longest step, and as not ready for the reason given.

    It ends the process when the block has ended without error.
    """
    asked = stopping.on_signal()
    logs = LogSettings()
    configure_logging(f"stance-service {command}", logs.log_level, logs.log_format)
    progress, readiness = Progress(command, longest_step_seconds), Readiness(waiting_for)
    with serving_health(HealthSettings(), Checks(live={"progress": progress}, ready={"readiness": readiness})):
        yield Worker(BrokerSettings(), progress, readiness, asked)
    _log.info("stopped")
    leave()
