"""What audits take: `python -m benchmarks.audit [--bootstrap host:port] [--observations N]`.

Observations are tracked; then the commands of an audit run as processes of their own.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.track import publish, tracked
from shared import broker, topics
from shared.cloudevents import from_kafka
from shared.settings import BrokerSettings
from shared.signing import SigningKey, entry
from stance_service.audit.recorded import records


def measure(settings: BrokerSettings, count: int, folder: Path, console: Console) -> None:
    """Prints time and memory of each command."""
    publish(settings, count)
    tracked(settings, count)
    changes = [from_kafka(each.headers, each.value) for each in records(settings, topics.CHANGES)]
    variables = _variables(settings, folder)
    title = f"{count:,} observations, {len(changes):,} changes, {settings.kafka_bootstrap_servers}"
    table = Table("stance-service audit", "seconds", "CPU seconds", "MB at most", title=title)
    for command in (["checkpoint"], ["verify"], ["explain", changes[len(changes) // 2].id]):
        table.add_row(command[0], *_taken(command, variables))
    console.print(table)


def _variables(settings: BrokerSettings, folder: Path) -> Mapping[str, str]:
    key = SigningKey.made()
    key.write(folder / "key.pem")
    (folder / "trusted.yaml").write_text(entry(key, datetime.now(UTC)))
    return os.environ | {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "STANCE_DATA_DIR": str(folder),
        "STANCE_AUDIT_SIGNING_KEY": str(folder / "key.pem"),
        "STANCE_AUDIT_TRUSTED_KEYS": str(folder / "trusted.yaml"),
    }


def _taken(command: list[str], variables: Mapping[str, str]) -> tuple[str, str, str]:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "stance_service", "audit", *command], env=variables, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    seconds = f"{time.monotonic() - began:.1f}", f"{used.ru_utime + used.ru_stime:.1f}"
    return *seconds, f"{used.ru_maxrss / 1000:.0f}"


def main(
    bootstrap: Annotated[str, typer.Option(help="Address of Kafka; none: an embedded broker.")] = "",
    observations: Annotated[int, typer.Option(help="So many are tracked first.")] = 50_000,
) -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        settings = BrokerSettings(kafka_bootstrap_servers=bootstrap, data_dir=Path(folder))
        with broker.running(settings) as reachable:
            own = reachable.model_copy(update={"kafka_topic_prefix": f"bench{uuid4().hex[:6]}."})
            broker.create_topics(own, topics.ALL_TOPICS)
            measure(own, observations, Path(folder), Console())


if __name__ == "__main__":
    typer.run(main)
