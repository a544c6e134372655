"""How the tracker scales: `python -m benchmarks.scale --bootstrap host:port [--observations N] [--seconds S]`.

For 1, 2 and 4 processes `stance-service track` on six partitions: how fast they work off what waits; then, under half
that load, the time from publishing an observation to reading the change it brought about, as other programs would;
and the longest such time while one worker leaves and another one joins. Needs an Apache Kafka (`make kafka`).
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import quantiles
from threading import Event, Thread
from typing import Annotated, Final
from uuid import uuid4

import typer
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.workload import Workload
from shared import broker, topics
from shared.cloudevents import from_kafka
from shared.dead_letters import Record
from shared.settings import BrokerSettings
from stance_service.publishing import GROUP

WORKERS: Final = (1, 2, 4)
LATE: Final = 0.0
_PATIENCE_SECONDS: Final = 600.0
_TICK_SECONDS: Final = 0.05
_TRANSIT_SECONDS: Final = 2.0
"""From a commit to the reader of what it holds."""
_PLACES: Final = range(topics.OBSERVATIONS.partitions)


@dataclass(frozen=True)
class Result:
    """Of a number of workers; times in seconds."""

    workers: int
    rate: float
    latencies: list[float]
    disturbed: float


@contextmanager
def working(settings: BrokerSettings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many trackers; whoever is in the list at the end is stopped."""
    crew = [start(settings) for _ in range(count)]
    try:
        yield crew
    finally:
        for process in crew:
            process.terminate()
        for process in crew:
            process.wait(_PATIENCE_SECONDS)


def start(settings: BrokerSettings) -> subprocess.Popen[bytes]:
    """A tracker."""
    own = {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "STANCE_LOG_LEVEL": "WARNING",
    }
    return subprocess.Popen([sys.executable, "-m", "stance_service", "track"], env=os.environ | own)


def publish(settings: BrokerSettings, workload: Iterator[tuple[bytes, bytes]], rate: float | None = None) -> int:
    """All of it, at most so many a second; how many there were."""
    producer, topic, began, count = broker.producer(settings), settings.topic(topics.OBSERVATIONS), time.monotonic(), 0
    for count, (key, value) in enumerate(workload, start=1):
        producer.produce(topic, value, key)
        producer.poll(0)
        while rate is not None and count / rate > time.monotonic() - began:
            producer.poll(0.001)
        if len(producer) > 50_000:
            producer.flush()
    producer.flush()
    return count


def worked_off(settings: BrokerSettings, count: int) -> float:
    """Observations a second, from the first commit to that of the last of so many."""
    reader = broker.consumer(settings, GROUP)
    places = [TopicPartition(settings.topic(topics.OBSERVATIONS), number) for number in _PLACES]
    first: tuple[float, int] | None = None
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        done = sum(max(0, place.offset) for place in reader.committed(places))
        if done and first is None:
            first = time.monotonic(), done
        if first is not None and done >= count:
            reader.close()
            return (count - first[1]) / max(_TICK_SECONDS, time.monotonic() - first[0])
        time.sleep(_TICK_SECONDS)
    raise TimeoutError(f"the trackers did not work off {count} observations within {_PATIENCE_SECONDS:.0f} s")


class Subscriber:
    """Reads changes as another program would; knows how long each took since its newest cause was published."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.latencies: list[float] = []
        self._settings = settings
        self._published: dict[str, float] = {}
        self._stop = Event()
        self._thread = Thread(target=self._read)

    def __enter__(self) -> "Subscriber":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(_TRANSIT_SECONDS)
        self._stop.set()
        self._thread.join()

    def noting(self, records: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        """The records, the moment of each noted."""
        for key, value in records:
            self._published[value.partition(b'"id":"')[2][:64].decode()] = time.monotonic()
            yield key, value

    def _read(self) -> None:
        reader = broker.consumer(self._settings, "benchmark")
        _assign_at_end(self._settings, reader)
        while not self._stop.is_set():
            message = reader.poll(0.1)
            if message is None or message.error() is not None:
                continue
            now, record = time.monotonic(), Record.of_confluent(message)
            known = [
                self._published.get(cause.observation) for cause in from_kafka(record.headers, record.value).causes
            ]
            if newest := max((at for at in known if at is not None), default=None):
                self.latencies.append(now - newest)
        reader.close()


def _assign_at_end(settings: BrokerSettings, reader: Consumer) -> None:
    places = [TopicPartition(settings.topic(topics.CHANGES), number) for number in _PLACES]
    for place in places:
        place.offset = broker.watermarks(reader, place, _PATIENCE_SECONDS)[1]
    reader.assign(places)


def measure(settings: BrokerSettings, workers: int, count: int, seconds: float) -> Result:
    """With topics of its own."""
    own = settings.model_copy(update={"kafka_topic_prefix": f"scale{workers}-{uuid4().hex[:6]}."})
    broker.create_topics(own)
    workload = Workload(10 * count, LATE).records(0, 10 * count)
    published = publish(own, islice(workload, count))
    with working(own, workers) as crew:
        rate = worked_off(own, published)
        load, amount = rate / 2, max(1, int(rate / 2 * seconds))
        with Subscriber(own) as calm:
            published += publish(own, calm.noting(islice(workload, amount)), load)
            worked_off(own, published)
        with Subscriber(own) as disturbed:
            crew.append(start(own))
            crew[0].terminate()
            published += publish(own, disturbed.noting(islice(workload, amount)), load)
            worked_off(own, published)
    return Result(workers, rate, calm.latencies, max(disturbed.latencies, default=float("nan")))


def main(
    bootstrap: Annotated[str, typer.Option(help="An Apache Kafka, as `make kafka` starts one.")],
    observations: Annotated[int, typer.Option(min=1000)] = 100_000,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long each number of workers is under half load.")] = 20.0,
) -> None:
    """Print a table."""
    settings = BrokerSettings(kafka_bootstrap_servers=bootstrap)
    columns = ("a second", "of linear", "changes", "p50, ms", "p99, ms", "worst, s")
    table = Table("workers", *columns, title=f"{os.cpu_count()} cores for workers, Kafka and load together")
    alone = None
    for workers in WORKERS:
        found = measure(settings, workers, observations, seconds)
        alone = alone or found.rate
        cuts = quantiles(found.latencies, n=100) if len(found.latencies) > 1 else [float("nan")] * 99
        shares = f"{found.rate:,.0f}", f"{found.rate / alone / workers:.0%}", f"{len(found.latencies)}"
        table.add_row(
            str(workers), *shares, f"{cuts[49] * 1000:.0f}", f"{cuts[98] * 1000:.0f}", f"{found.disturbed:.1f}"
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
