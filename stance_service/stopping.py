"""Stop cleanly when asked to, by Ctrl-C or by a supervisor."""

import signal
from collections.abc import Callable
from threading import Event


def on_signal() -> Callable[[], bool]:
    """From now on SIGINT and SIGTERM end nothing by themselves; the result says whether one came."""
    asked = Event()

    def ask(_signum: int, _frame: object) -> None:
        asked.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, ask)
    return asked.is_set
