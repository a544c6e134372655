"""`ingest-service health`: for the health checks of containers."""

from typing import Annotated

import typer

from shared.health import probe
from shared.settings import HealthSettings


def health(
    ready: Annotated[bool, typer.Option("--ready", help="Fail also while it can't be given work yet.")] = False,
) -> None:
    """Exit with 0 if the process with these STANCE_HEALTH_ settings is well, otherwise with the reason."""
    probe(HealthSettings(), ready=ready)
