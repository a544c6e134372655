"""`ingest-service add`: single files, folders and pages."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ingest_service import build
from ingest_service.outcomes import Outcome
from ingest_service.pipeline import Report, ingest, read_in_thread
from ingest_service.publish import Publishing, Step
from ingest_service.settings import IngestSettings
from ingest_service.sources.files import FileSource
from shared.broker import running
from shared.settings import BrokerSettings

SOME_REJECTED = 1
_IN_FLIGHT = 8


def add(
    targets: Annotated[list[str], typer.Argument(help="URLs, files or folders, see docs/ingest.md.")],
    source: Annotated[str | None, typer.Option(help="Name of the source, instead of the folder's or host's.")] = None,
) -> None:
    """Publish the articles of pages, files and folders; what is published already is left alone.

    Exit status 1: some documents were rejected, each with its reason; the others are published. 3: nothing more could
    be published; run it again.
    """
    settings = IngestSettings()
    with running(BrokerSettings()) as broker, build.publishing(broker) as (publishing, _):
        report = asyncio.run(_add(targets, source, settings, publishing))
    Console(stderr=True).print(
        f"{report.published} published ({report.revised} as a new revision), {report.unchanged} unchanged, "
        f"{report.rejected} rejected",
        highlight=False,
    )
    raise typer.Exit(SOME_REJECTED if report.rejected else 0)


async def _add(targets: Sequence[str], source: str | None, settings: IngestSettings, publishing: Publishing) -> Report:
    await asyncio.to_thread(publishing.catch_up)
    paths = [Path(target) for target in targets]
    documents = chain.from_iterable(FileSource(path, source, settings.max_file_bytes).documents() for path in paths)

    async def publish(steps: Sequence[Step]) -> list[Outcome]:
        return await asyncio.to_thread(publishing.publish, steps)

    report = Report()
    with build.normaliser(settings, few_here=True) as normaliser:
        await ingest(read_in_thread(documents), normaliser, publish, report, _IN_FLIGHT)
    return report
