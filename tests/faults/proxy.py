"""A TCP proxy that knows where a Kafka request begins: to cut clients off, or to strike at one step of the protocol."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from types import TracebackType
from typing import Self

from tests.kafka.apache import HOST

Strike = Callable[[Callable[[], None]], None]
"""What to do instead of delivering a request; it gets the means to deliver it."""


class Request(IntEnum):
    """Kinds of requests, by their number in the Kafka protocol."""

    PRODUCE = 0
    OFFSET_FETCH = 9
    INIT_PRODUCER_ID = 22
    TXN_OFFSET_COMMIT = 28
    END_TXN = 26


class Proxy:
    """Between clients and the port `target`; its own port is known from the start.

    While it is cut everything waits, as it does behind a dead switch.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._connected = threading.Event()
        self._connected.set()
        self._traps: dict[Request, Strike] = {}
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _close(self._listener)
        self.heal()
        for each in self._sockets:
            _close(each)

    def cut(self) -> None:
        """From now on nothing passes, in either direction."""
        self._connected.clear()

    def heal(self) -> None:
        """What waited goes on its way."""
        self._connected.set()

    def trap(self, request: Request, strike: Strike) -> threading.Event:
        """Strikes once, at the next request of a kind; the result is set when that is over."""
        over = threading.Event()

        def spring(deliver: Callable[[], None]) -> None:
            strike(deliver)
            over.set()

        self._traps[request] = spring
        return over

    def hold(self, request: Request) -> tuple[threading.Event, threading.Event]:
        """Holds up the next request of a kind: it sets the first result, and is delivered when the second is set."""
        reached, release = threading.Event(), threading.Event()

        def strike(deliver: Callable[[], None]) -> None:
            reached.set()
            release.wait()
            deliver()

        self.trap(request, strike)
        return reached, release

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection((HOST, self.target))
                except OSError:
                    client.close()
                    continue
                self._sockets += [client, server]
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while head := _exactly(client, 6):
                size, kind = struct.unpack(">ih", head)
                frame = head + _exactly(client, size - 2)
                self._connected.wait()
                strike = self._traps.pop(kind, None)  # an IntEnum is its number
                if strike is None:
                    server.sendall(frame)
                else:
                    strike(lambda frame=frame: server.sendall(frame))  # type: ignore[misc]
        _close(client, server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                self._connected.wait()
                client.sendall(data)
        _close(client, server)


def _exactly(source: socket.socket, size: int) -> bytes:
    """So many bytes, or none at the end of the stream."""
    data = bytearray()
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            return b""
        data += part
    return bytes(data)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
