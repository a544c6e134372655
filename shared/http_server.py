"""What the HTTP servers of both services share: an address that may be taken, and uvicorn inside our loop."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from shared.errors import PermanentError


def listening(host: str, port: int, settings: str) -> socket.socket:
    """A listening socket; port 0: any free one. PermanentError names the settings, by their common prefix."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise PermanentError(
            f"{settings}HOST={host} {settings}PORT={port}: can't listen there: {error.strerror or error}"
        ) from error


class Server(uvicorn.Server):
    """Serves an ASGI application in the event loop of a process that has more to do, until `should_exit`."""

    def __init__(self, application: ASGIApp, finish_seconds: int, **options: Any) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=finish_seconds,
                **options,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for the command, which has more to end than this."""
        yield
