"""Apache Kafka as a child process, from the jars that `make kafka` fetched: to be killed, paused and restarted."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kafka.configuration import CLUSTER, HEAP, LOGGING, properties

JARS = Path(__file__).parents[2] / "build" / "kafka"
HOST = "127.0.0.1"
START_SECONDS = 180.0
STOP_SECONDS = 60.0


class KafkaFailedError(Exception):
    """The broker did not start or stop; says what its log says."""


def missing() -> str | None:
    """What has to be done before Apache Kafka can run here; None: it can."""
    if shutil.which("java") is None:
        return "install Java 17 or later (Debian: apt-get install openjdk-17-jre-headless), then run `make kafka`"
    if not any(JARS.glob("kafka_2.13-*.jar")):
        return "run `make kafka`, which fetches Apache Kafka's jars with Maven (Debian: apt-get install maven)"
    return None


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class ApacheKafka:
    """One broker in a folder of its own, at the same address and with the same data after each restart.

    Clients that bootstrap from the port `advertised` are led there for everything else too: see `tests.faults.proxy`.
    """

    def __init__(
        self, folder: Path, *, advertised: int | None = None, overrides: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / "kafka.log"
        self.folder = folder
        self.port, self.faulty_port, controller = free_port(), free_port(), free_port()
        self._advertised = advertised or self.faulty_port
        self._configuration = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        own = {
            "listeners": f"CLIENTS://{HOST}:{self.port},FAULTY://{HOST}:{self.faulty_port},"
            f"CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"CLIENTS://{HOST}:{self.port},FAULTY://{HOST}:{self._advertised}",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "log.dirs": str(folder / "data"),
        }
        self._configuration.write_text(properties(own | dict(overrides or {})))

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process lives, stopped by a signal or not."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        if (reason := missing()) is not None:
            raise KafkaFailedError(f"Apache Kafka can't run: {reason}")
        self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._configuration)).wait()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self._java("kafka.Kafka", str(self._configuration))
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise KafkaFailedError(f"Apache Kafka did not start, see {self.log}:\n{self._log_tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it as an operator does."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it hang (SIGSTOP): connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def wait_for_exit(self, seconds: float) -> bool:
        """Whether it ended by itself in time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def _java(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["java", *HEAP, *LOGGING, "-cp", f"{JARS}/*", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which stop the broker themselves
            )

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((HOST, self.port)) == 0

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
