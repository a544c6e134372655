"""A web server on a local port that answers as a test says, down to the bytes and when they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """What was asked for; names of headers are in lower case."""

    path: str
    headers: Headers

    @property
    def conditional(self) -> bool:
        """True if it names a version known already."""
        return "if-none-match" in self.headers or "if-modified-since" in self.headers


@dataclass(frozen=True)
class Reply:
    """A well-formed answer."""

    body: bytes = b""
    status: int = 200
    headers: Headers = field(default_factory=dict)

    def head(self) -> bytes:
        """The status line and headers."""
        lines = {"Content-Length": str(len(self.body)), "Content-Type": "text/html", **self.headers}
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} Said\r\n{fields}\r\n".encode()


Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer that is anything but well-formed; the connection ends with it."""
Route = Reply | Callable[[Request], Reply]


@dataclass
class WebServer:
    """Answers by `scripts` and `routes`, 404 elsewhere; `requests` keeps what was asked, but for robots.txt."""

    port: int = 0
    routes: dict[str, Route] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    robots_read: int = 0

    def url(self, path: str = "/", host: str = "news.example") -> str:
        """A URL of this server, under any of its names."""
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while request := await _read(reader):
                self._note(request)
                if not await self._answer(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had enough
        finally:
            writer.close()

    def _note(self, request: Request) -> None:
        if request.path == "/robots.txt":
            self.robots_read += 1
        else:
            self.requests.append(request)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        if script := self.scripts.get(request.path):
            await script(writer)
            return False
        route = self.routes.get(request.path, Reply(b"no such page", 404))
        reply = route if isinstance(route, Reply) else route(request)
        writer.write(reply.head() + (b"" if reply.status == 304 else reply.body))
        await writer.drain()
        return True


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(first.split(" ")[1], headers)


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    """A server without pages."""
    web = WebServer()
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
