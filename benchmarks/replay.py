"""The speed of a replay of observations: `python -m benchmarks.replay [--bootstrap host:port] [--observations N]`.

What lies on a broker is read, decoded and folded in one process, without classification and without writing.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.track import Pace, publish
from shared import broker, topics
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.cycles import leave_history_alone
from stance_service.replay.plan import Plan
from stance_service.replay.ranges import Asked
from stance_service.replay.refolding import Partition, refold
from stance_service.scanning import scan


def measure(settings: BrokerSettings, count: int, console: Console) -> None:
    """Prints what reading alone takes, and what a replay takes."""
    topic = settings.topic(topics.OBSERVATIONS)
    publish(settings, count)
    spans = Asked(topic).resolve(settings)
    plan = Plan(
        source="stance.observations.v1",
        articles={},
        observations=spans,
        actor=None,
        article=None,
        parameters=Parameters(),
        axes=("openness", "profit"),
        classifier=None,
    )
    leave_history_alone()
    read, replayed = Pace(), Pace()
    with read.running():
        read.count = sum(len(messages) for messages in scan(settings, topic, spans))
    with replayed.running():
        replayed.count = sum(
            refold(Partition(settings, plan, number), {}, lambda _: None).count for number in plan.observations
        )
    titles = "observations", "a second", "seconds", "CPU µs each", "CPU seconds", "a CPU second"
    table = Table("", *titles, title=settings.kafka_bootstrap_servers)
    table.add_row("read", *read.columns)
    table.add_row("replay", *replayed.columns)
    console.print(table)


def main(
    bootstrap: Annotated[str, typer.Option(help="Address of Kafka; none: an embedded broker.")] = "",
    observations: Annotated[int, typer.Option(help="So many on the broker.")] = 100_000,
) -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        settings = BrokerSettings(
            kafka_bootstrap_servers=bootstrap, data_dir=Path(folder), kafka_topic_prefix=f"bench{uuid4().hex[:6]}."
        )
        with broker.running(settings) as reachable:
            measure(reachable, observations, Console())


if __name__ == "__main__":
    typer.run(main)
