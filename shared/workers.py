"""What long-running commands do until Kafka is there."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from typing import Final

from shared import broker
from shared.errors import BrokerUnavailableError
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings

ATTEMPT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between attempts; the last one again and again."""
_NAP_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


@contextmanager
def connected(
    settings: BrokerSettings, progress: Progress, readiness: Readiness, stopping: Callable[[], bool]
) -> Iterator[BrokerSettings]:
    """As `broker.running`, but waits for a Kafka that is not there: alive, not ready, with a line in the log each time.

    Ends the process without error if it is asked to stop meanwhile.
    """
    with ExitStack() as stack:
        reachable = None
        pauses = chain(PAUSE_SECONDS, repeat(PAUSE_SECONDS[-1]))
        readiness.missing = "Kafka does not answer"
        while reachable is None:
            progress.beat()
            try:
                reachable = stack.enter_context(broker.running(settings, seconds=ATTEMPT_SECONDS))
            except BrokerUnavailableError as error:
                if settings.embedded:  # it was started here: nobody else will bring it up
                    raise
                pause = next(pauses)
                _log.warning("%s Trying again in %.0f s.", error, pause)
                _wait(pause, progress, stopping)
        readiness.missing = "Kafka gave no partitions yet"
        yield reachable


def _wait(seconds: float, progress: Progress, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if stopping():
            raise SystemExit(0)
        progress.beat()
        time.sleep(_NAP_SECONDS)
