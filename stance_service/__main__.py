"""`stance-service` and `python -m stance_service`: reads the settings, constructs, and runs the command asked for."""

# ruff: noqa: PLC0415  # a command doesn't wait for what only others import

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from shared.errors import StanceError
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from stance_service import stopping
from stance_service.settings import ClassifierSettings, TrackerSettings

app = typer.Typer(
    help="Articles in; observations, positions and stance changes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def annotate() -> None:
    """Read articles as JSON lines, write what stances each shows as JSON lines. Needs no broker."""
    from stance_service.build import classifier
    from stance_service.commands import annotate as command

    _log_as("annotate")
    if command.annotate(sys.stdin, sys.stdout, sys.stderr, classifier(ClassifierSettings())):
        raise typer.Exit(1)


@app.command()
def track(
    member: Annotated[
        str | None,
        typer.Option(help="A name of this worker's own; whoever starts under it next takes over at once."),
    ] = None,
) -> None:
    """Fold observations into positions and announce changes, exactly once, until stopped."""
    from stance_service.commands import track as command

    asked = stopping.on_signal()
    _log_as("track")
    command.track(BrokerSettings(), TrackerSettings().parameters(), member, asked)


def _log_as(command: str) -> None:
    logs = LogSettings()
    configure_logging(command, logs.log_level, logs.log_format)


def main() -> None:
    """Runs a command; what went wrong on purpose is one line on standard error and exit status 1."""
    try:
        app()
    except (StanceError, ValidationError) as error:
        sys.stderr.write(f"stance-service: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
