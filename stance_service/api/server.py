"""The server that streams are read from."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

from shared.errors import PermanentError
from stance_service.api.hub import Hub
from stance_service.settings import ApiSettings

_FINISH_SECONDS: Final = 5
_SILENT_SECONDS: Final = 30
"""A client whose machine takes nothing for so long is gone."""
_log = logging.getLogger(__name__)


async def serve(
    settings: ApiSettings, application: Starlette, hub: Hub, stopping: Callable[[], bool], *, sparing: bool
) -> None:
    """Answers until `stopping()`; then streams end, and clients know where to resume. Raises StanceError."""
    with _listening(settings) as listening:
        server = _Server(
            uvicorn.Config(
                application,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_FINISH_SECONDS,
            )
        )
        loop, stopped = asyncio.get_running_loop(), False

        def is_over() -> bool:
            return stopped or stopping()

        with ThreadPoolExecutor(1, "changes") as thread:
            following = loop.run_in_executor(thread, lambda: hub.follow(loop, is_over, sparing=sparing))
            serving = asyncio.create_task(server.serve([listening]))
            _log.info("stance changes at http://%s:%d/changes/stream", settings.host, listening.getsockname()[1])
            try:
                await asyncio.wait({following, serving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped = True
                hub.close()
                server.should_exit = True
                await serving
                await following


@contextmanager
def _listening(settings: ApiSettings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise PermanentError(
            f"STANCE_API_HOST={settings.host} STANCE_API_PORT={settings.port}: can't listen there: "
            f"{error.strerror or error}"
        ) from error
    with listening:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux; what is accepted has it too
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_SECONDS * 1000)
        yield listening


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for the command, which has more to end than this."""
        yield
