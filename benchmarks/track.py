"""The tracker's speed: `python -m benchmarks.track [--bootstrap host:port] [--observations N]`.

On a broker: the tracker, and beside it the same clients copying the same observations from topic to topic, in
transactions of at most as many; then a restart of the tracker. Without a broker: the fold alone, for histories of
growing length, each in a process of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer
from confluent_kafka import Consumer, Producer, TopicPartition
from prometheus_client import REGISTRY
from rich.console import Console
from rich.table import Table

from benchmarks.workload import Workload
from shared import broker, topics
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.cycles import leave_history_alone
from stance_service.records import decode
from stance_service.restore import BATCH
from stance_service.tracker import Tracker
from stance_service.transactions import TransactionalLoop

LENGTHS = (10_000, 100_000, 1_000_000)
LATE = 0.1
COPIES = topics.Topic("benchmark.copies", "observations", key="actor", partitions=topics.OBSERVATIONS.partitions)
_SECONDS = 300.0


@dataclass
class Pace:
    """Of this process, librdkafka's threads included."""

    count: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began, cpu = time.monotonic(), time.process_time()
        yield
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - cpu

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_rate(self) -> float:
        """As on a machine that has a processor to spare for it all the time."""
        return self.count / self.cpu_seconds

    @property
    def columns(self) -> tuple[str, ...]:
        each = self.cpu_seconds / self.count * 1e6
        wall = f"{self.rate:,.0f}", f"{self.seconds:.1f}"
        return f"{self.count:,}", *wall, f"{each:.1f}", f"{self.cpu_seconds:.1f}", f"{self.cpu_rate:,.0f}"


def publish(settings: BrokerSettings, count: int) -> None:
    """So many observations to their topic."""
    producer, topic = broker.producer(settings), settings.topic(topics.OBSERVATIONS)
    for key, value in Workload(count, LATE).records(0, count):
        _produce(producer, topic, value, key)
    if producer.flush(_SECONDS):
        raise TimeoutError(f"{topic} did not take {count} observations within {_SECONDS:.0f} s")


def _produce(producer: Producer, topic: str, value: bytes | None, key: bytes | None) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def copied(settings: BrokerSettings, count: int) -> Pace:
    """What the tracker does, less the tracking: read, write, and commit the offsets, in transactions."""
    producer = broker.producer(settings, transactional_id="copy")
    producer.init_transactions(_SECONDS)
    consumer = broker.consumer(settings, "copy", member="0")
    consumer.subscribe([settings.topic(topics.OBSERVATIONS)])
    pace = Pace()
    _copy(settings, consumer, producer, pace, 1)  # the group is joined
    pace = Pace()
    with pace.running():
        _copy(settings, consumer, producer, pace, count - 1)
    consumer.close()
    return pace


def _copy(settings: BrokerSettings, consumer: Consumer, producer: Producer, pace: Pace, count: int) -> None:
    source, target = settings.topic(topics.OBSERVATIONS), settings.topic(COPIES)
    while pace.count < count:
        messages = consumer.consume(min(BATCH, count), 0.2)
        if not messages:
            continue
        producer.begin_transaction()
        read_to: dict[int, int] = {}
        for message in messages:
            _produce(producer, target, message.value(), message.key())
            read_to[message.partition() or 0] = (message.offset() or 0) + 1
        offsets = [TopicPartition(source, partition, offset) for partition, offset in read_to.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()
        pace.count += len(messages)


def tracked(settings: BrokerSettings, count: int) -> tuple[Pace, int]:
    """From the first transaction to the last; and how many transactions there were."""
    loop = TransactionalLoop(settings, Parameters(), "0")
    before, first, pace = _measured(settings), [0.0, 0.0], Pace(count)

    def all_read() -> bool:
        if not first[0] and loop.partitions:
            first[:] = time.monotonic(), time.process_time()
        return _measured(settings)[0] - before[0] >= count

    loop.run(all_read)
    pace.seconds, pace.cpu_seconds = time.monotonic() - first[0], time.process_time() - first[1]
    return pace, int(_measured(settings)[1] - before[1])


def _measured(settings: BrokerSettings) -> tuple[float, float]:
    labels = {"topic": settings.topic(topics.OBSERVATIONS), "outcome": "tracked"}
    records = REGISTRY.get_sample_value("stance_records_total", labels)
    return records or 0.0, REGISTRY.get_sample_value("stance_track_transaction_seconds_count") or 0.0


def restarted(settings: BrokerSettings, count: int) -> Pace:
    """From the start to the first look for news."""
    loop, pace = TransactionalLoop(settings, Parameters(), "0"), Pace(count)
    with pace.running():
        loop.run(lambda: bool(loop.partitions))
    return pace


def folded(length: int, late: float) -> dict[str, float]:
    """Processor time and memory of the fold alone, in this process: of all, and of the last tenth of a history."""
    workload, tracker, whole, last = Workload(length, late), Tracker(Parameters()), Pace(), Pace()
    size, before = max(1, min(BATCH, length // 10)), _resident()
    for start in range(0, length, size):
        values = [value for _, value in workload.records(start, size)]
        pace = last if start >= length * 0.9 else whole
        with pace.running():
            tracker.apply(decode(value) for value in values)
        pace.count += len(values)
    return {
        "mean": (whole.cpu_seconds + last.cpu_seconds) / length * 1e6,
        "last": last.cpu_seconds / last.count * 1e6,
        "memory": (_resident() - before) / length,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _in_a_process(length: int, late: float) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.track", "--fold", str(length), "--late", str(late)]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def measure(settings: BrokerSettings, count: int, console: Console) -> None:
    """On a broker."""
    own = settings.model_copy(update={"kafka_topic_prefix": f"bench{uuid4().hex[:6]}."})
    broker.create_topics(own, (*topics.ALL_TOPICS, COPIES))
    publish(own, count)
    copy = copied(own, count)
    track, transactions = tracked(own, count)
    restart = restarted(own, count)
    table = Table(
        "",
        "observations",
        "a second",
        "seconds",
        "CPU µs each",
        "CPU s",
        "a second of CPU",
        title=own.kafka_bootstrap_servers,
    )
    table.add_row("copy", *copy.columns)
    table.add_row(f"track, {transactions} transactions", *track.columns)
    table.add_row("restart", *restart.columns)
    shares = f"track / copy: {track.rate / copy.rate:.0%} by the clock, {track.cpu_rate / copy.cpu_rate:.0%} of CPU"
    console.print(table, shares, sep="\n")


def measure_fold(longest: int, console: Console) -> None:
    """Without a broker."""
    table = Table(
        "observations", "late", "CPU µs each", "of the last tenth", "bytes each", title="decoding and folding"
    )
    for late in (0.0, LATE):
        for length in (each for each in LENGTHS if each <= longest):
            found = _in_a_process(length, late)
            columns = f"{found['mean']:.1f}", f"{found['last']:.1f}", f"{found['memory']:,.0f}"
            table.add_row(f"{length:,}", f"{late:.0%}", *columns)
    console.print(table)


def main(
    bootstrap: Annotated[str, typer.Option(help="Address of Kafka; none: an embedded broker.")] = "",
    observations: Annotated[int, typer.Option(help="So many on the broker.")] = 100_000,
    longest: Annotated[int, typer.Option(help="Longest history of the fold alone.")] = LENGTHS[-1],
    fold: Annotated[int, typer.Option(hidden=True)] = 0,
    late: Annotated[float, typer.Option(hidden=True)] = LATE,
) -> None:
    """Measure and print."""
    leave_history_alone()
    if fold:
        sys.stdout.write(json.dumps(folded(fold, late)))
        return
    console = Console()
    with TemporaryDirectory() as folder:
        settings = BrokerSettings(kafka_bootstrap_servers=bootstrap, data_dir=Path(folder))
        with broker.running(settings) as reachable:
            measure(reachable, observations, console)
    measure_fold(longest, console)


if __name__ == "__main__":
    typer.run(main)
