"""Servers that stall, flood or lie cost one page, never the process."""

import asyncio
import gzip
from collections.abc import Callable

import brotli
import pytest

from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import (
    TooLargeError,
    TooManyRedirectsError,
    TooSlowError,
    UndecodableError,
    UnreachableError,
)
from tests.fetching.conftest import NewFetcher
from tests.fetching.server import Reply, Request, Script, WebServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


async def drip(writer: asyncio.StreamWriter) -> None:
    """A body of one byte now and then, for ever."""
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    """Never gets to the body."""
    writer.write(HEAD)
    for number in range(1_000_000):
        writer.write(b"X-%d: x\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.01)


async def say_nothing(writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.sleep(3600)


async def flood(writer: asyncio.StreamWriter) -> None:
    """A body without end, as fast as it is taken."""
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def flood_headers(writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(HEAD)
    while True:
        writer.write(b"X: " + b"x" * 60000 + b"\r\n")
        await writer.drain()


async def flood_nothing(writer: asyncio.StreamWriter) -> None:
    """Compressed bytes that never unpack to anything."""
    start_of_zlib, empty_block = b"\x78\x9c", b"\x00\x00\x00\xff\xff"
    writer.write(HEAD + b"Content-Encoding: deflate\r\n\r\n" + start_of_zlib)
    while True:
        writer.write(empty_block * 10_000)
        await writer.drain()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Half an answer."""
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    await writer.drain()


async def babble(writer: asyncio.StreamWriter) -> None:
    """No HTTP at all."""
    writer.write(b"220 smtp.example ESMTP ready\r\n" * 100)
    await writer.drain()


@pytest.mark.parametrize("script", [drip, drip_headers, say_nothing])
async def test_a_server_that_stalls_is_given_up(server: WebServer, new_fetcher: NewFetcher, script: Script) -> None:
    server.scripts["/a"] = script
    async with new_fetcher(timeout_seconds=0.3) as fetcher:
        with pytest.raises(TooSlowError, match=r"longer than 0\.3 seconds"):
            await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


@pytest.mark.parametrize("script", [flood, flood_nothing])
async def test_a_body_without_end_is_cut(server: WebServer, new_fetcher: NewFetcher, script: Script) -> None:
    server.scripts["/a"] = script
    async with new_fetcher(max_bytes=1_000_000) as fetcher:
        with pytest.raises(TooLargeError, match="larger than 1,000,000 bytes"):
            await fetcher.fetch(server.url("/a"))


async def test_a_body_that_announces_a_gigabyte_is_cut(server: WebServer, fetcher: Fetcher) -> None:
    async def announce(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        await flood(writer)

    server.scripts["/a"] = announce
    with pytest.raises(TooLargeError):
        await fetcher.fetch(server.url("/a"))


def gzip_bomb() -> bytes:
    return gzip.compress(b"\0" * 50_000_000)


def brotli_bomb() -> bytes:
    packed: bytes = brotli.compress(b"\0" * 50_000_000, quality=1)
    return packed


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip_bomb), ("br", brotli_bomb)])
async def test_a_compression_bomb_is_not_unpacked(
    server: WebServer, new_fetcher: NewFetcher, coding: str, pack: Callable[[], bytes]
) -> None:
    bomb = pack()
    assert len(bomb) < 100_000
    server.routes["/a"] = Reply(bomb, headers={"Content-Encoding": coding})
    async with new_fetcher(max_bytes=1_000_000) as fetcher:
        with pytest.raises(TooLargeError, match="once decompressed"):
            await fetcher.fetch(server.url("/a"))


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", ", ".join(["gzip"] * 20)])
async def test_broken_compression_is_final(server: WebServer, fetcher: Fetcher, coding: str) -> None:
    server.routes["/a"] = Reply(b"\x00\xff not compressed", headers={"Content-Encoding": coding})
    with pytest.raises(UndecodableError):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


@pytest.mark.parametrize("script", [hang_up, babble, flood_headers])
async def test_a_broken_answer_is_asked_for_again(server: WebServer, fetcher: Fetcher, script: Script) -> None:
    server.scripts["/a"] = script
    with pytest.raises(UnreachableError):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"] * 3


async def test_a_redirect_in_a_circle_is_noticed(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(status=302, headers={"Location": "/b"})
    server.routes["/b"] = Reply(status=302, headers={"Location": "/a"})
    with pytest.raises(TooManyRedirectsError, match="circle"):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a", "/b"]


async def test_redirects_without_end_are_given_up(server: WebServer, new_fetcher: NewFetcher) -> None:
    def onward(request: Request) -> Reply:
        return Reply(status=302, headers={"Location": f"{request.path}x"})

    server.routes |= {"/" + "x" * n: onward for n in range(30)}
    async with new_fetcher(max_redirects=5) as fetcher:
        with pytest.raises(TooManyRedirectsError, match="more than 5 times"):
            await fetcher.fetch(server.url("/"))
    assert len(server.requests) == 6
