"""The server that streams are read from."""

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.applications import Starlette

from shared.http_server import Server, listening
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
    with listening(settings.host, settings.port, "STANCE_API_") as listener:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux; what is accepted has it too
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_SECONDS * 1000)
        server = Server(application, _FINISH_SECONDS)
        loop, stopped = asyncio.get_running_loop(), False

        def is_over() -> bool:
            return stopped or stopping()

        with ThreadPoolExecutor(1, "changes") as thread:
            following = loop.run_in_executor(thread, lambda: hub.follow(loop, is_over, sparing=sparing))
            serving = asyncio.create_task(server.serve([listener]))
            _log.info("stance changes at http://%s:%d/changes/stream", settings.host, listener.getsockname()[1])
            try:
                await asyncio.wait({following, serving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped = True
                hub.close()
                server.should_exit = True
                await serving
                await following
