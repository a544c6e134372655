"""Articles a second from files to the topic: `python -m benchmarks.ingest`.

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
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.dedupe import bodies
from benchmarks.extract import pages
from ingest_service import build
from ingest_service.outcomes import Outcome
from ingest_service.pipeline import Report, ingest, read_in_thread
from ingest_service.publish import Publishing, Step
from ingest_service.settings import IngestSettings
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


def articles_a_second(kind: str, records: Iterator[dict[str, object]], folder: Path) -> tuple[Report, float]:
    """What became of the records, and how many a second, of the wall clock."""
    path = folder / f"{kind}.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    settings = BrokerSettings(kafka_bootstrap_servers="", data_dir=folder / kind)
    with running(settings) as broker, build.publishing(broker) as publishing:
        return asyncio.run(_timed(path, publishing))


async def _timed(path: Path, publishing: Publishing) -> tuple[Report, float]:
    async def publish(steps: Sequence[Step]) -> list[Outcome]:
        return await asyncio.to_thread(publishing.publish, steps)

    settings, report = IngestSettings(), Report()
    publishing.catch_up()
    with build.normaliser(settings) as normalise:
        started = time.perf_counter()
        await ingest(
            read_in_thread(build.files(path, None, settings).documents()), normalise, publish, report, _IN_FLIGHT
        )
        return report, report.read / (time.perf_counter() - started)


def _shuffled(paragraph: str, rng: random.Random) -> str:
    words = paragraph.rstrip(".").split(" ")
    rng.shuffle(words)
    return " ".join(words) + "."


def main() -> None:
    """Print both rates; starting the processes counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--pages", type=int, default=1000)
    asked = parser.parse_args()
    table = Table("from files", "articles", "rejected", "a second", title=f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for kind, records in (("texts", texts(asked.texts)), ("pages", html(asked.pages))):
            report, rate = articles_a_second(kind, records, Path(folder))
            table.add_row(kind, str(report.published), str(report.rejected), f"{rate:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
