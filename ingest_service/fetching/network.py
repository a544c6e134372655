"""Connections to vetted addresses only.

The host's name is resolved here, once per connection, and the connection goes to the very address that was checked:
a name that resolves differently a moment later (DNS rebinding) gains nothing. TLS and `Host` keep the name.
"""

import socket
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence

import httpcore2
import httpx2

from ingest_service.fetching.addresses import is_public
from ingest_service.fetching.errors import RefusedAddressError, TooLargeError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, in the order to try them; raises OSError if it has none."""
_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
_MAX_CONNECTIONS = 100
_KEEP_ALIVE_SECONDS = 15.0


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class VettedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to hosts on the public internet, and to those allowed by name."""

    def __init__(
        self,
        allowed: Collection[str] = (),
        resolver: Resolver = resolve,
        sockets: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)
        self._resolver = resolver
        self._sockets = sockets or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers; one refused address refuses the host."""
        failure: Exception = httpcore2.ConnectError("its name has no address")
        for address in await self._vetted(host, port):
            try:
                return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _vetted(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"its name can't be resolved: {error}") from error
        if host.lower() not in self._allowed:
            for address in addresses:
                if not is_public(address):
                    raise RefusedAddressError(host, f"its address {address} is not on the public internet")
        return addresses


class VettedTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 and HTTP/2 over a vetted network. Proxies of the environment are not used: they would resolve names."""

    def __init__(self, network: VettedNetwork) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=_MAX_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            http2=True,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, whose extension `max_bytes` limits the body as sent. Errors are those of httpcore."""
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        body = _Body(answer, str(url), request.extensions["max_bytes"])
        return httpx2.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """Counts what is sent: compressed bytes that unpack to nothing would escape a later count."""

    def __init__(self, answer: httpcore2.Response, url: str, max_bytes: int) -> None:
        self._answer = answer
        self._url = url
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for part in self._answer.aiter_stream():
            received += len(part)
            if received > self._max_bytes:
                raise TooLargeError(self._url, f"it is larger than {self._max_bytes:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
