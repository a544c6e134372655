"""`ingest-service check`: what a source would bring in."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from ingest_service import build
from ingest_service.configuration import Configuration, read_configuration
from ingest_service.exit_status import SOME_REJECTED
from ingest_service.fetching import Fetcher
from ingest_service.memory import SourceMemory
from ingest_service.outcomes import Outcome
from ingest_service.pipeline import Batch, prepared, read_in_thread
from ingest_service.publish import Publishing, Remember
from ingest_service.settings import IngestSettings
from ingest_service.targets import is_url, pages
from shared.broker import running
from shared.errors import PermanentError
from shared.settings import BrokerSettings


def check(
    source: Annotated[str, typer.Argument(help="Name of a source in the YAML file, a URL, a file or a folder.")],
    sources: Annotated[Path | None, typer.Option(help="YAML file of sources; else STANCE_INGEST_SOURCES.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Stop after so many documents.")] = 20,
) -> None:
    """Print what a source would publish now, as JSON lines; nothing is published, nothing remembered.

    `status` is published, revised, retracted or unchanged. What is rejected is told on standard error, exit status 1.
    """
    settings = IngestSettings()
    path = sources or settings.sources
    configuration = read_configuration(path) if path is not None else None
    with running(BrokerSettings()) as broker, build.publishing(broker) as publishing:
        asyncio.run(_check(source, settings, configuration, publishing, most))


async def _check(
    source: str, settings: IngestSettings, configuration: Configuration | None, publishing: Publishing, most: int
) -> None:
    await asyncio.to_thread(publishing.catch_up)
    left, rejected = most, False
    with build.normaliser(settings, few_here=True) as normaliser:
        async with build.fetcher(configuration) as fetcher:
            async for batch in _batches(source, settings, configuration, fetcher):
                found = [each for each in batch if not isinstance(each, Remember)][:left]
                left -= len(found)
                for outcome in await asyncio.to_thread(publishing.preview, await prepared(found, normaliser)):
                    rejected |= outcome.status == "rejected"
                    _print(outcome)
                if left == 0:
                    break
    raise typer.Exit(SOME_REJECTED if rejected else 0)


def _batches(
    source: str, settings: IngestSettings, configuration: Configuration | None, fetcher: Fetcher
) -> AsyncIterator[Batch]:
    entries = configuration.sources if configuration is not None else ()
    for entry in entries:
        if entry.name == source:
            return build.polled_source(entry, fetcher, settings).batches(SourceMemory(source, {}))
    if is_url(source):
        return pages([source], None, fetcher)
    if Path(source).exists():
        return read_in_thread(build.files(Path(source), None, settings).documents())
    known = ", ".join(entry.name for entry in entries) or "none; set STANCE_INGEST_SOURCES"
    raise PermanentError(f"{source} is no URL, file or folder, nor one of the sources ({known})")


def _print(outcome: Outcome) -> None:
    if outcome.error is not None:
        print(outcome.error, file=sys.stderr)
        return
    told: dict[str, object] = {"status": outcome.status, "article_id": outcome.article_id, "revision": outcome.revision}
    if outcome.event is not None:
        told["event"] = outcome.event.model_dump(mode="json")
    print(json.dumps(told, ensure_ascii=False))
