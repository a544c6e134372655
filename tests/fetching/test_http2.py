"""HTTP/2 over TLS, from a server whose certificate is for its name and not its address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from ingest_service.fetching import Fetched
from ingest_service.fetching.errors import TransientFetchError
from tests.fetching.conftest import NewFetcher


@dataclass
class TlsServer:
    """Answers every request over the newest HTTP that the client knows."""

    port: int
    versions: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served")
        self.versions.append(scope["http_version"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<html>"})


@pytest.fixture
async def tls_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TlsServer]:
    """For `news.example`, by an authority that we trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("news.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile = config.keyfile = str(tmp_path / "server.pem")
    config.errorlog = None
    stop, server = asyncio.Event(), TlsServer(listener.getsockname()[1])
    running = asyncio.create_task(serve(server, config, shutdown_trigger=stop.wait))
    yield server
    stop.set()
    await running


async def test_http2_is_spoken_where_the_server_knows_it(tls_server: TlsServer, new_fetcher: NewFetcher) -> None:
    async with new_fetcher() as fetcher:
        answer = await fetcher.fetch(f"https://news.example:{tls_server.port}/")
    assert isinstance(answer, Fetched)
    assert set(tls_server.versions) == {"2"}


async def test_a_certificate_for_another_name_is_refused(tls_server: TlsServer, new_fetcher: NewFetcher) -> None:
    async with new_fetcher(attempts=1) as fetcher:
        with pytest.raises(TransientFetchError, match="certificate"):
            await fetcher.fetch(f"https://other.example:{tls_server.port}/")
    assert tls_server.versions == []
