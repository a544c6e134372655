"""`python -m demo`: ingests the seeds, waits until all is processed, prints timelines and changes."""

import argparse
import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.status import Status

from demo.lag import lag
from demo.processes import DemoError, Service, run, services, stop_on_sigterm
from shared import broker
from shared.errors import StanceError
from shared.settings import BrokerSettings
from shared.topics import ARTICLES, OBSERVATIONS, Topic

SEEDS = Path(__file__).parents[1] / "seeds"
SERVICES: dict[str, Sequence[str]] = {
    "observe": ("stance_service", "observe", "--member", "0"),
    "track": ("stance_service", "track", "--member", "0"),
    "history": ("stance_service", "history"),
}
SOME_REJECTED = 1
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.2

_console = Console(stderr=True)


@dataclass(frozen=True)
class Stage:
    """Is over when a group has read all of a topic."""

    group: str
    topic: Topic
    done: str


STAGES = (
    Stage("observe", ARTICLES, "articles judged"),
    Stage("tracker", OBSERVATIONS, "records on observations tracked"),
)


def main() -> None:
    """Exit status 1 if it failed, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running, until Ctrl-C")
    keep = parser.parse_args().keep
    stop_on_sigterm()
    settings = BrokerSettings()
    try:
        with _alone(settings.data_dir), broker.running(settings) as reachable:
            _demonstrate(reachable, keep=keep)
    except KeyboardInterrupt:
        _console.print("stopped")
        sys.exit(130)
    except (DemoError, StanceError) as error:
        _console.print(f"demo: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One demo at a time in a data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs in {folder.resolve()}; stop it, or set STANCE_DATA_DIR") from None
        yield


def _demonstrate(settings: BrokerSettings, *, keep: bool) -> None:
    _console.print(f"Kafka at {settings.kafka_bootstrap_servers}, logs in {settings.data_dir / 'logs'}")
    with services(SERVICES, settings.data_dir / "logs") as running:
        with _console.status("ingesting the seeds") as status:
            if run("ingest_service", "add", str(SEEDS)) not in {0, SOME_REJECTED}:
                raise DemoError("the seeds could not be ingested")
            for stage in STAGES:
                _wait(settings, stage, running, status)
        _console.rule("Who stood where")
        _show("timeline")
        _console.rule("What was announced, in this order")
        _show("changes")
        if keep:
            _console.rule("Running until Ctrl-C")
            while True:
                for service in running:
                    service.check()
                time.sleep(POLL_SECONDS)


def _wait(settings: BrokerSettings, stage: Stage, running: Sequence[Service], status: Status) -> None:
    """Returns when a stage is over; raises DemoError if a service ends or nothing moves for long."""
    began = moved = time.monotonic()
    before = -1
    with lag(settings, stage.group, stage.topic) as group_lag:
        while True:
            for service in running:
                service.check()
            read, there = group_lag.progress()
            if read >= there:
                _console.print(f"{there} {stage.done} in {time.monotonic() - began:.1f} s")
                return
            status.update(f"{read} of {there} {stage.done}")
            now = time.monotonic()
            moved, before = (now, read) if read != before else (moved, before)
            if now - moved > PATIENCE_SECONDS:
                raise DemoError(
                    f"still only {read} of {there} {stage.done} after {PATIENCE_SECONDS:.0f} s without progress"
                )
            time.sleep(POLL_SECONDS)


def _show(command: str) -> None:
    if run("stance_service", command) != 0:
        raise DemoError(f"`stance-service {command}` failed")


if __name__ == "__main__":
    main()
