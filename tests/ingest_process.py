"""`ingest-service` in a process of its own, as a supervisor runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.settings import BrokerSettings

SECONDS = 90.0
TOKEN = "a token that is long"


def environment(settings: BrokerSettings, **more: str) -> dict[str, str]:
    """The variables by which a process reaches the broker of the settings."""
    own = {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "STANCE_KAFKA_TIMEOUT_SECONDS": str(settings.kafka_timeout_seconds),
        "STANCE_DATA_DIR": str(settings.data_dir),
    }
    return os.environ | own | more


def ingest(settings: BrokerSettings, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "ingest_service", *map(str, arguments)],
        env=environment(settings, **more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Running:
    """`ingest-service run`, and what it logs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text()

    def said(self, pattern: str, times: int = 1) -> re.Match[str]:
        """The match, once the log has it so many times."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = list(re.finditer(pattern, self.log))
            if len(found) >= times:
                return found[-1]
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, f"{pattern!r} is not in: {self.log}"
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """Where it takes articles."""
        return self.said(r"taken at (\S+)/articles")[1]

    def stop(self) -> int:
        """End it as a supervisor does; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait(SECONDS)


@contextmanager
def running_ingest(
    settings: BrokerSettings, folder: Path, sources: str | None = None, **more: str
) -> Iterator[Running]:
    """The service with these sources, and its endpoint on any port; ended at the latest with the block."""
    own = {"STANCE_INGEST_API_PORT": "0", "STANCE_INGEST_API_TOKEN": TOKEN, "STANCE_INGEST_WORKERS": "1"}
    if sources is not None:
        (folder / "sources.yaml").write_text(sources)
        own["STANCE_INGEST_SOURCES"] = str(folder / "sources.yaml")
    log = folder / f"log-{time.monotonic_ns()}"
    with log.open("wb") as errors:
        command = [sys.executable, "-m", "ingest_service", "run"]
        process = subprocess.Popen(command, env=environment(settings, **own | more), stderr=errors)
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(SECONDS)
