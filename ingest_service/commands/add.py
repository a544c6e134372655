"""`ingest-service add`: single files, folders and pages."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ingest_service import build
from ingest_service.configuration import Configuration, read_configuration
from ingest_service.exit_status import SOME_REJECTED
from ingest_service.pipeline import Batch, Report, in_thread, ingest, read_in_thread
from ingest_service.progress import progress_bar
from ingest_service.publish import Publishing
from ingest_service.settings import IngestSettings
from ingest_service.sources.files import FileSource
from ingest_service.targets import is_url, pages
from shared.broker import running
from shared.settings import BrokerSettings

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
    configuration = read_configuration(settings.sources) if settings.sources is not None else None
    with running(BrokerSettings()) as broker, build.publishing(broker, keep_raw=settings.keep_raw) as publishing:
        report = asyncio.run(_add(targets, source, settings, configuration, publishing))
    Console(stderr=True).print(
        f"{report.published} published ({report.revised} as a new revision), {report.unchanged} unchanged, "
        f"{report.retracted} retracted, {report.rejected} rejected",
        highlight=False,
    )
    raise typer.Exit(SOME_REJECTED if report.rejected else 0)


async def _add(
    targets: Sequence[str],
    source: str | None,
    settings: IngestSettings,
    configuration: Configuration | None,
    publishing: Publishing,
) -> Report:
    await asyncio.to_thread(publishing.catch_up)
    publish, report = in_thread(publishing.publish), Report()
    with build.normaliser(settings, few_here=True) as normaliser:
        async with build.fetcher(configuration) as fetcher:
            urls = [target for target in targets if is_url(target)]
            paths = [Path(target) for target in targets if not is_url(target)]
            await ingest(_files(paths, source, settings, report), normaliser, publish, report, _IN_FLIGHT)
            await ingest(pages(urls, source, fetcher), normaliser, publish, report)
    return report


async def _files(
    paths: Sequence[Path], source: str | None, settings: IngestSettings, report: Report
) -> AsyncIterator[Batch]:
    sources = [build.files(path, source, settings) for path in paths]
    with progress_bar(Console(stderr=True), sum(map(FileSource.size, sources)), report) as opened:
        if opened is not None:
            sources = [replace(each, open=opened) for each in sources]
        async for batch in read_in_thread(chain.from_iterable(each.documents() for each in sources)):
            yield batch
