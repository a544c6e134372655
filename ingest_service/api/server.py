"""The server that articles are sent to, in the event loop of the process."""

import asyncio
import logging
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from ingest_service.settings import IngestApiSettings
from shared.http_server import Server, listening

if TYPE_CHECKING:
    from starlette.applications import Starlette

_FINISH_SECONDS: Final = 3
_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving(settings: IngestApiSettings, application: "Starlette") -> AsyncIterator[str]:
    """Answer until the end of the block, requests in progress included for a moment; gives the address."""
    listener = listening(settings.host, settings.port or 0, "STANCE_INGEST_API_")
    address = f"http://{settings.host}:{listener.getsockname()[1]}"
    server = Server(
        application,
        _FINISH_SECONDS,
        http=_patient_for(settings.read_seconds),
        limit_concurrency=settings.connections,
    )
    task = asyncio.create_task(server.serve([listener]), name="api")
    _log.info("articles are taken at %s/articles", address)
    try:
        yield address
    finally:
        server.should_exit = True
        await task


def _patient_for(seconds: float) -> type[H11Protocol]:
    """uvicorn waits for ever for the head of a request: this one closes connections that send none in time.

    The time for the body is the application's, which can tell the client.
    """

    class Protocol(H11Protocol):
        _head_timer: TimerHandle | None = None

        def connection_made(self, transport: BaseTransport) -> None:
            super().connection_made(cast("Transport", transport))
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._forget()

        def _watch(self) -> None:
            working = self.cycle is not None and not self.cycle.response_complete
            if working:
                self._forget()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(seconds, self.transport.close)

        def _forget(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

    return Protocol
