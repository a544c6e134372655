"""Trackers as processes of their own, and whoever starts them again when they end."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from shared import topics
from shared.settings import BrokerSettings
from stance_service.publishing import GROUP
from tests.faults import client

EXIT_SECONDS = 60.0
SETTLE_SECONDS = 180.0


def environment(settings: BrokerSettings) -> dict[str, str]:
    """By which a process has the settings."""
    return {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "STANCE_KAFKA_TIMEOUT_SECONDS": str(settings.kafka_timeout_seconds),
        "STANCE_KAFKA_SESSION_TIMEOUT_SECONDS": str(settings.kafka_session_timeout_seconds),
    }


_NOT_BEGUN: Final = (-signal.SIGTERM, 128 + signal.SIGTERM)
"""The status of a process that the signal reached before it had begun to work."""


class Worker:
    """A process `stance-service track`; its log is `log`."""

    def __init__(self, settings: BrokerSettings, name: str | None, log: Path) -> None:
        self.settings = settings
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stance_service", "track", *(["--member", name] if name else [])],
                env=os.environ | environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> str | None:
        """SIGTERM. None: it finished in order; otherwise it was in trouble already, and said why."""
        self.process.terminate()
        status = self.process.wait(EXIT_SECONDS)
        if status == 0 or (status in _NOT_BEGUN and not self.said()):
            return None
        return self.wait_for_exit()

    def wait_for_exit(self) -> str:
        """Its last words, when it has ended by itself; that has to be on purpose, with a reason."""
        self.process.wait(EXIT_SECONDS)
        said = self.said()
        assert self.process.returncode == 1, f"exit status {self.process.returncode}: {said}"
        assert said.startswith("stance-service: "), f"no reason is given: {said}"
        return said

    def said(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""


class Crew:
    """All workers of a scenario, in its folder; none outlives it."""

    def __init__(self, settings: BrokerSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._started = 0
        self.working: list[Worker] = []
        self.last_words: list[str] = []
        """Of those that ended by themselves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.working:
            with suppress(ProcessLookupError):
                worker.kill()

    def start(self, name: str | None, settings: BrokerSettings | None = None) -> Worker:
        """One more worker, reaching Kafka by `settings` if they aren't everybody's."""
        self._started += 1
        log = self._folder / f"worker-{self._started}-{name or 'unnamed'}.log"
        worker = Worker(settings or self._settings, name, log)
        self.working.append(worker)
        return worker

    def replace(self, worker: Worker) -> Worker:
        """Kills a worker and starts one of the same name."""
        worker.kill()
        self.working.remove(worker)
        return self.start(worker.name, worker.settings)

    def dismiss(self, worker: Worker) -> None:
        """Stops a worker."""
        if (said := worker.stop()) is not None:
            self.last_words.append(said)
        self.working.remove(worker)

    def revive(self) -> None:
        """Starts again who ended by itself."""
        for worker in list(self.working):
            if worker.ended:
                self.last_words.append(worker.wait_for_exit())
                self.replace(worker)

    def wait_for_progress(self) -> None:
        """Returns when more was tracked than at the call."""
        deadline = time.monotonic() + SETTLE_SECONDS
        before = client.committed(self._settings, GROUP, topics.OBSERVATIONS)
        while client.committed(self._settings, GROUP, topics.OBSERVATIONS) == before:
            assert time.monotonic() < deadline, f"stuck at {before}; last words: {self.last_words[-3:]}"
            self.revive()
            time.sleep(0.05)

    def wait_for_rebalance(self) -> None:
        """Returns when the group shares its work out anew."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not client.rebalances(self._settings, GROUP):
            assert time.monotonic() < deadline, "no rebalance began"
            time.sleep(0.05)

    def settle(self) -> None:
        """Returns when all observations are tracked and all workers have stopped."""
        deadline = time.monotonic() + SETTLE_SECONDS
        ends = {number: end for number, end in client.ends(self._settings, topics.OBSERVATIONS).items() if end}
        while (committed := client.committed(self._settings, GROUP, topics.OBSERVATIONS)) != ends:
            assert time.monotonic() < deadline, f"stuck at {committed} of {ends}; last words: {self.last_words[-3:]}"
            self.revive()
            time.sleep(0.2)
        for worker in list(self.working):
            self.dismiss(worker)
