"""`stance-service` and `python -m stance_service`: runs the command that is asked for."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer
from pydantic import ValidationError

from shared.errors import StanceError
from shared.observability import report_failure
from shared.settings import explain
from shared.termination import end_on_sigterm
from stance_service import commands


def main() -> None:
    """Runs a command; what went wrong on purpose is one line on standard error and exit status 1."""
    end_on_sigterm()
    known = {module.name.replace("_", "-"): module.name for module in iter_modules(commands.__path__)}
    asked = [argument for argument in sys.argv[1:2] if argument in known]
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_about)
    for name in asked or known:  # a command doesn't wait for what others import
        command = getattr(import_module(f"{commands.__name__}.{known[name]}"), known[name])
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    try:
        app()
    except ValidationError as error:
        report_failure("stance-service", explain(error))
        sys.exit(1)
    except StanceError as error:
        report_failure("stance-service", error)
        sys.exit(1)


def _about() -> None:
    """Articles in; observations, positions and stance changes out."""


if __name__ == "__main__":
    main()
