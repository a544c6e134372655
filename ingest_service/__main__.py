"""Commands of the ingest service."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from ingest_service.known import read_published
from ingest_service.pipeline import Report, articles, ingest
from ingest_service.publish import ArticlePublisher
from ingest_service.settings import IngestSettings
from ingest_service.sources import RawDocument
from ingest_service.sources.files import FileSource
from shared.broker import faststream_broker, running
from shared.errors import BadInputError, StanceError
from shared.events import Article
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings, explain

SOME_REJECTED = 1
FAILED = 3

app = typer.Typer(
    help="Turn what the world publishes into articles on a topic.", no_args_is_help=True, pretty_exceptions_enable=False
)
Paths = Annotated[list[Path], typer.Argument(help="Files or folders: .txt, .html, .jsonl; see docs/ingest.md.")]
SourceName = Annotated[str | None, typer.Option("--source", help="Name of the source, instead of the folder's.")]


@app.command()
def add(paths: Paths, source: SourceName = None) -> None:
    """Publish the articles of files and folders; what is published already is left alone.

    Exit status 1: some documents were rejected, each with its reason; the others are published. 3: nothing more could
    be published; run it again.
    """
    read = articles(_documents(paths, source), _now)
    report = asyncio.run(_ingest(read))
    Console(stderr=True).print(
        f"{report.published} published ({report.revised} as a new revision), {report.unchanged} unchanged, "
        f"{len(report.rejected)} rejected",
        highlight=False,
    )
    raise typer.Exit(SOME_REJECTED if report.rejected else 0)


@app.command()
def normalise(paths: Paths, source: SourceName = None) -> None:
    """Print the articles of files and folders as JSON lines, without publishing them."""
    rejected = False
    for item in articles(_documents(paths, source), _now):
        if isinstance(item, BadInputError):
            rejected = True
            print(item, file=sys.stderr)
        else:
            print(item.model_dump_json())
    raise typer.Exit(SOME_REJECTED if rejected else 0)


def main() -> None:
    """Entry point: errors that we raise on purpose are told in one line."""
    try:
        log = LogSettings()
        configure_logging("ingest-service", log.log_level, log.log_format)
        app()
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        sys.exit(2)
    except StanceError as error:
        print(error, file=sys.stderr)
        sys.exit(FAILED)


async def _ingest(read: Iterator[Article | BadInputError]) -> Report:
    with running(BrokerSettings()) as settings:
        published = read_published(settings)
        broker = faststream_broker(settings)
        publisher = ArticlePublisher(broker, settings)
        async with broker:
            return await ingest(read, published, publisher)


def _documents(paths: list[Path], source: str | None) -> Iterator[RawDocument | BadInputError]:
    limit = IngestSettings().max_file_bytes
    for path in paths:
        yield from FileSource(path, source, limit).documents()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
