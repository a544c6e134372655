"""Articles a second from files to the topic, and of normalisation alone: `python -m benchmarks.ingest`.

The whole way of `ingest-service add`, with the embedded broker and one process a core: files read, normalised, compared
with what is published, acknowledged, noted. Texts are the articles of `training/data` with their words shuffled, so
that no two are alike; pages are those of `benchmarks.extract`, likewise. Processor time is told apart from the clock,
since it hardly depends on what else the machine does.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.dedupe import bodies
from benchmarks.extract import pages
from ingest_service import build
from ingest_service.normalising import normalised
from ingest_service.pipeline import Report, in_thread, ingest, read_in_thread
from ingest_service.publish import Publishing
from ingest_service.settings import IngestSettings
from ingest_service.sources import RawDocument
from shared.broker import running
from shared.settings import BrokerSettings

_IN_FLIGHT = 4
_ROWS = (
    "normalised, and made comparable",
    "read, compared, published and noted: one process",
    "the broker",
    "a second of two cores' time",
    "a second as it was, with what else these cores did",
    "published (rejected)",
)


def texts(count: int) -> Iterator[dict[str, object]]:
    """JSON lines of plain text."""
    rng, known = random.Random(1), bodies()  # noqa: S311
    for number in range(count):
        paragraphs = known[number % len(known)].split("\n\n")
        yield {"id": number, "title": f"Report {number}", "body": "\n\n".join(_shuffled(p, rng) for p in paragraphs)}


def html(count: int) -> Iterator[dict[str, object]]:
    """JSON lines of whole pages."""
    rng, known = random.Random(2), list(pages())  # noqa: S311
    for number in range(count):
        page = known[number % len(known)]
        markup = page.content.decode("utf-8", "replace")
        for paragraph in page.gold:
            markup = markup.replace(paragraph, _shuffled(paragraph, rng))
        yield {"id": number, "html": markup}


@dataclass(frozen=True)
class Run:
    """What became of the documents, how long it took, and the processor time of this process and of the broker."""

    report: Report
    seconds: float
    publishing: float
    broker: float


def normalising(path: Path) -> float:
    """Seconds of processor time for all documents of a file."""
    documents = [
        found for found in build.files(path, None, IngestSettings()).documents() if isinstance(found, RawDocument)
    ]
    normalised(documents[0], build.now())  # what is loaded when it is first needed
    started = time.process_time()
    for document in documents:
        normalised(document, build.now())
    return time.process_time() - started


def run(path: Path) -> Run:
    """The whole way; starting the processes that normalise counts in `seconds`."""
    settings = BrokerSettings(kafka_bootstrap_servers="", data_dir=path.with_suffix(""))
    before = _children()
    with running(settings) as broker, build.publishing(broker) as publishing:
        report, seconds, processor = asyncio.run(_timed(path, publishing))
    return Run(report, seconds, processor, _children() - before)


async def _timed(path: Path, publishing: Publishing) -> tuple[Report, float, float]:
    settings, report = IngestSettings(), Report()
    publishing.catch_up()
    with build.normaliser(settings) as normalise:
        started, processor = time.perf_counter(), time.process_time()
        found = read_in_thread(build.files(path, None, settings).documents())
        await ingest(found, normalise, in_thread(publishing.publish), report, _IN_FLIGHT)
        return report, time.perf_counter() - started, time.process_time() - processor


def _children() -> float:
    """Processor time of the processes that were started here and have ended: brokers."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shuffled(paragraph: str, rng: random.Random) -> str:
    words = paragraph.rstrip(".").split(" ")
    rng.shuffle(words)
    return " ".join(words) + "."


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--pages", type=int, default=1000)
    asked = parser.parse_args()
    made = (("texts", texts(asked.texts)), ("pages", html(asked.pages)))
    columns = ("seconds of a core for a thousand, from files", *(kind for kind, _ in made))
    table = Table(*columns, title=f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        columns_of = [_column(Path(folder) / f"{kind}.jsonl", records) for kind, records in made]
    for name, *cells in zip(_ROWS, *columns_of, strict=True):
        table.add_row(name, *cells)
    Console().print(table)


def _column(path: Path, records: Iterator[dict[str, object]]) -> list[str]:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    alone, whole = normalising(path), run(path)
    count, costs = whole.report.published, (alone, whole.publishing, whole.broker)
    return [
        *(f"{1000 * seconds / count:.2f}" for seconds in costs),
        f"{2 * count / sum(costs):,.0f}",
        f"{count / whole.seconds:,.0f}",
        f"{count:,} ({whole.report.rejected})",
    ]


if __name__ == "__main__":
    main()
