"""`ingest-service normalise`: what would become of files, without a broker."""

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from ingest_service import build
from ingest_service.comparable import Comparable
from ingest_service.exit_status import SOME_REJECTED
from ingest_service.normalising import normalised
from ingest_service.settings import IngestSettings
from ingest_service.sources import RawDocument


def normalise(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders, see docs/ingest.md.")],
    source: Annotated[str | None, typer.Option(help="Name of the source, instead of the folder's.")] = None,
) -> None:
    """Print the articles of files and folders as JSON lines, without publishing them."""
    settings = IngestSettings()
    rejected = False
    for found in chain.from_iterable(build.files(path, source, settings).documents() for path in paths):
        item = normalised(found, build.now()) if isinstance(found, RawDocument) else found
        if isinstance(item, Comparable):
            print(item.article.model_dump_json())
        else:
            rejected = True
            print(item, file=sys.stderr)
    raise typer.Exit(SOME_REJECTED if rejected else 0)
