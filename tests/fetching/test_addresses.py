"""Nobody can make us call a machine that is not on the public internet."""

from collections.abc import Iterable, Sequence

import httpcore2
import pytest

from ingest_service.fetching import Fetched, Fetcher
from ingest_service.fetching.addresses import is_public
from ingest_service.fetching.errors import RefusedAddressError, TransientFetchError
from ingest_service.fetching.network import VettedNetwork
from tests.fetching.conftest import NewFetcher
from tests.fetching.server import Reply, WebServer

PUBLIC = "93.184.215.14"


class Rerouted(httpcore2.AsyncNetworkBackend):
    """Connects to this machine whatever the address, and remembers which it was: no test reaches the internet."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[object] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.asked.append(host)
        return await httpcore2.AnyIOBackend().connect_tcp("127.0.0.1", port, timeout)


class Names:
    """A resolver that answers from a list, the last answer for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
     "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
     "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "100::1", "5f00::1", "localhost", ""],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0", "[::1]", "[::ffff:127.0.0.1]",
     "169.254.169.254", "10.0.0.1"],
)  # fmt: skip
async def test_private_addresses_are_refused_however_they_are_written(
    server: WebServer, new_fetcher: NewFetcher, host: str
) -> None:
    server.routes["/"] = Reply(b"<html>secret")
    async with new_fetcher(VettedNetwork()) as fetcher:
        with pytest.raises(RefusedAddressError, match="not on the public internet"):
            await fetcher.fetch(server.url(host=host))
    assert server.requests == []
    assert server.robots_read == 0


async def test_one_private_address_among_public_ones_refuses_the_host(
    server: WebServer, new_fetcher: NewFetcher
) -> None:
    network = VettedNetwork((), Names([PUBLIC, "10.0.0.1"]), Rerouted())
    async with new_fetcher(network) as fetcher:
        with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
            await fetcher.fetch(server.url())
    assert server.robots_read == 0


async def test_a_redirect_to_a_private_address_is_refused(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(status=302, headers={"Location": server.url("/secret", "intranet.example")})
    server.routes["/secret"] = Reply(b"<html>secret")
    with pytest.raises(RefusedAddressError, match=r"intranet\.example.* 127\.0\.0\.1"):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


async def test_the_connection_goes_to_the_address_that_was_checked(server: WebServer, new_fetcher: NewFetcher) -> None:
    """A name that turns private after the check gains nothing, and is refused at the next connection."""
    server.routes["/a"] = Reply(b"<html>public", headers={"Connection": "close"})
    server.routes["/robots.txt"] = Reply(headers={"Content-Type": "text/plain"})
    names, sockets = Names([PUBLIC], ["127.0.0.1"]), Rerouted()
    async with new_fetcher(VettedNetwork((), names, sockets)) as fetcher:
        answer = await fetcher.fetch(server.url("/a"))
        assert isinstance(answer, Fetched)
        assert sockets.asked == [PUBLIC]
        with pytest.raises(RefusedAddressError, match=r"127\.0\.0\.1"):
            await fetcher.fetch(server.url("/a"))
    assert sockets.asked == [PUBLIC]
    assert server.requests[0].headers["host"] == f"news.example:{server.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(server: WebServer, new_fetcher: NewFetcher) -> None:
    server.routes["/a"] = Reply(b"<html>")
    network = VettedNetwork({"news.example"}, Names(["127.0.0.2", "127.0.0.1"]))
    async with new_fetcher(network) as fetcher:
        assert isinstance(await fetcher.fetch(server.url("/a")), Fetched)


async def test_a_name_without_address_may_have_one_later(new_fetcher: NewFetcher) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    async with new_fetcher(VettedNetwork((), unknown)) as fetcher:
        with pytest.raises(TransientFetchError, match="can't be resolved"):
            await fetcher.fetch("http://nowhere.example/")
