"""How the process of a service ends, where a supervisor soon kills what has not ended."""

import logging
import os
import signal
import sys
from typing import NoReturn


def end_on_sigterm() -> None:
    """Without it, process 1 of a container never hears the signal: the kernel sends it none that it does not handle."""
    signal.signal(signal.SIGTERM, _end)


def leave() -> NoReturn:
    """End a process that has closed what was its own.

    What Python tidies up itself takes half a second of a processor, which all services of a machine want when it is
    shut down; and it waits for threads, of which one that judges an article can't be interrupted.
    """
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)
