"""A web server on a local port that answers as a test says: status codes, silence or bytes that are no HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

SILENCE = "silence"
Answer = int | bytes | str
"""A status, the raw bytes of an answer, or SILENCE."""


@dataclass(frozen=True)
class Received:
    """A request; names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Gives each request the next of `answers`, and 204 when there are none left."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.received.append(request)
                answer = self.answers.pop(0) if self.answers else 204
                if answer == SILENCE:
                    await reader.read()  # until the client hangs up
                elif isinstance(answer, int):
                    writer.write(f"HTTP/1.1 {answer} Said\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n".encode())
                    await writer.drain()
                    continue
                elif isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = dict(_headers(head[1:]))
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(head[0].split()[1], headers, body)


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


@asynccontextmanager
async def receiving(*answers: Answer) -> AsyncIterator[Receiver]:
    """A receiver that listens until the end of the block."""
    receiver = Receiver(answers=list(answers))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
