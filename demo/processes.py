"""Services as child processes that never outlive the demo."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """The demo can't go on; the message says why and where to look."""


class Service:
    """A command that runs until it is stopped. Its output goes to a log file."""

    def __init__(self, name: str, arguments: Sequence[str], logs: Path) -> None:
        self.name = name
        self._log = logs / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its services in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # no threads yet
            )

    def check(self) -> None:
        """Raises DemoError if it has ended."""
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace").splitlines()
            said = lines[-1] if lines else "it said nothing"
            raise DemoError(f"{self.name} ended with status {self._process.returncode}: {said}\nsee {self._log}")

    def stop(self) -> None:
        """Asks it to end, and waits; ends it if it doesn't."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def services(commands: dict[str, Sequence[str]], logs: Path) -> Iterator[list[Service]]:
    """All of them, running; stopped in the order in which they feed each other, whatever happens."""
    logs.mkdir(parents=True, exist_ok=True)
    running: list[Service] = []
    try:
        for name, arguments in commands.items():
            running.append(Service(name, arguments, logs))
        yield running
    finally:
        ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for service in running:
            service.stop()
        signal.signal(signal.SIGINT, ignored)


def run(*arguments: str) -> int:
    """Runs a command to its end, on our terminal; its exit status."""
    with subprocess.Popen([sys.executable, "-m", *arguments], preexec_fn=_die_with_parent) as process:  # noqa: PLW1509
        return process.wait()


def stop_on_sigterm() -> None:
    """SIGTERM ends the demo as Ctrl-C does."""

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
