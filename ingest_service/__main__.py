"""`ingest-service` and `python -m ingest_service`: runs the command that is asked for."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer
from pydantic import ValidationError

from ingest_service import commands
from ingest_service.exit_status import FAILED, REFUSED
from shared.errors import StanceError, TransientError
from shared.observability import configure_logging, report_failure
from shared.settings import LogSettings, explain
from shared.termination import end_on_sigterm


def main() -> None:
    """Runs a command; what went wrong on purpose is told in one line."""
    end_on_sigterm()
    known = [module.name for module in iter_modules(commands.__path__)]
    asked = [argument for argument in sys.argv[1:2] if argument in known]
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_about)
    for name in asked or known:  # a command doesn't wait for what others import
        app.command(name)(getattr(import_module(f"{commands.__name__}.{name}"), name))
    try:
        logs = LogSettings()
        configure_logging("ingest-service", logs.log_level, logs.log_format)
        app()
    except ValidationError as error:
        report_failure("ingest-service", explain(error))
        sys.exit(REFUSED)
    except StanceError as error:
        report_failure("ingest-service", error)
        sys.exit(FAILED if isinstance(error, TransientError) else REFUSED)


def _about() -> None:
    """Turn what the world publishes into articles on a topic."""


if __name__ == "__main__":
    main()
