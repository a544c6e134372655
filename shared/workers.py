"""What long-running commands do until Kafka is there."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from typing import Final, TypeVar

from shared import broker
from shared.errors import BrokerUnavailableError
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings

ATTEMPT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between attempts; the last one again and again."""
_NAP_SECONDS: Final = 0.2

T = TypeVar("T")
_log = logging.getLogger(__name__)


@contextmanager
def connected(
    settings: BrokerSettings, progress: Progress, readiness: Readiness, stopping: Callable[[], bool]
) -> Iterator[BrokerSettings]:
    """As `broker.running`, but waits for a Kafka that is not there: alive, not ready, see `patiently`.

    Ends the process without error if it is asked to stop meanwhile.
    """
    with ExitStack() as stack:

        def attempt() -> BrokerSettings:
            return stack.enter_context(broker.running(settings, seconds=ATTEMPT_SECONDS))

        readiness.missing = "Kafka does not answer"
        # An embedded broker is started here: nobody else would bring it up.
        reachable = attempt() if settings.embedded else patiently(attempt, progress, stopping)
        readiness.missing = "Kafka gave no partitions yet"
        yield reachable


def patiently(attempt: Callable[[], T], progress: Progress, stopping: Callable[[], bool]) -> T:
    """What an attempt gives when it no longer raises BrokerUnavailableError; each time it does is a line in the log.

    Ends the process without error if it is asked to stop meanwhile.
    """
    pauses = chain(PAUSE_SECONDS, repeat(PAUSE_SECONDS[-1]))
    while True:
        progress.beat()
        try:
            return attempt()
        except BrokerUnavailableError as error:
            pause = next(pauses)
            _log.warning("%s Trying again in %.0f s.", error, pause)
            _wait(pause, progress, stopping)


def _wait(seconds: float, progress: Progress, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if stopping():
            raise SystemExit(0)
        progress.beat()
        time.sleep(_NAP_SECONDS)
