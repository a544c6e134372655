"""SIGTERM before a command handles it itself."""

import signal
import sys


def end_on_sigterm() -> None:
    """Without it, process 1 of a container never hears the signal: the kernel sends it none that it does not handle."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)
