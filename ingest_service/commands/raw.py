"""`ingest-service raw`: what an article was found in."""

import sys
from typing import Annotated

import typer

from ingest_service.raw import raw_content
from shared.broker import running
from shared.settings import BrokerSettings


def raw(digest: Annotated[str, typer.Argument(help="The `raw_digest` of an article.")]) -> None:
    """Write the bytes of a document as they were fetched to standard output; needs STANCE_INGEST_KEEP_RAW back then."""
    with running(BrokerSettings()) as broker:
        sys.stdout.buffer.write(raw_content(broker, digest))
