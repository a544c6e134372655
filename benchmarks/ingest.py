"""Articles a second from files to the topic, and of normalisation alone: `python -m benchmarks.ingest`.

The whole way of `ingest-service add`, with the embedded broker and one process a core: files read, normalised, compared
with what is published, acknowledged, noted. Texts are the articles of `training/data` with their words shuffled, so
that no two are alike; pages are those of `benchmarks.extract`, likewise.
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
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


def normalised_a_second(path: Path) -> float:
    """How many a second of processor time: what else the machine does hardly counts."""
    documents = [
        found for found in build.files(path, None, IngestSettings()).documents() if isinstance(found, RawDocument)
    ]
    normalised(documents[0], build.now())
    started = time.process_time()
    for document in documents:
        normalised(document, build.now())
    return len(documents) / (time.process_time() - started)


def articles_a_second(path: Path) -> tuple[Report, float]:
    """What became of the records, and how many a second of the wall clock; starting the processes counts."""
    settings = BrokerSettings(kafka_bootstrap_servers="", data_dir=path.with_suffix(""))
    with running(settings) as broker, build.publishing(broker) as publishing:
        return asyncio.run(_timed(path, publishing))


async def _timed(path: Path, publishing: Publishing) -> tuple[Report, float]:
    settings, report = IngestSettings(), Report()
    publishing.catch_up()
    with build.normaliser(settings) as normalise:
        started = time.perf_counter()
        found = read_in_thread(build.files(path, None, settings).documents())
        await ingest(found, normalise, in_thread(publishing.publish), report, _IN_FLIGHT)
        return report, report.read / (time.perf_counter() - started)


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
    columns = ("from files", "articles", "rejected", "normalised a second of one core", "published a second")
    table = Table(*columns, title=f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for kind, records in (("texts", texts(asked.texts)), ("pages", html(asked.pages))):
            path = Path(folder) / f"{kind}.jsonl"
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
            alone, (report, rate) = normalised_a_second(path), articles_a_second(path)
            table.add_row(kind, str(report.published), str(report.rejected), f"{alone:,.0f}", f"{rate:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
