"""Site owners decide what is fetched, and how fast."""

import asyncio

import pytest

from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import DeniedByRobotsError, UnavailableError
from tests.fetching.conftest import FakeClock, NewFetcher
from tests.fetching.server import Reply, WebServer

TEXT = {"Content-Type": "text/plain"}
PAGE = Reply(b"<html>")


def robots(*lines: str) -> Reply:
    return Reply("\n".join(lines).encode(), headers=TEXT)


async def test_what_robots_txt_denies_is_not_fetched(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *", "Disallow: /private")
    server.routes["/private/a"] = PAGE
    with pytest.raises(DeniedByRobotsError, match=r"robots\.txt"):
        await fetcher.fetch(server.url("/private/a"))
    assert server.requests == []


async def test_rules_for_us_by_name_prevail(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *", "Disallow:", "", "User-agent: Stancewatch", "Disallow: /")
    with pytest.raises(DeniedByRobotsError):
        await fetcher.fetch(server.url("/a"))


async def test_where_a_redirect_leads_is_asked_for_too(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *", "Disallow: /private")
    server.routes["/a"] = Reply(status=301, headers={"Location": "/private/a"})
    with pytest.raises(DeniedByRobotsError):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


async def test_robots_txt_is_read_once_and_again_after_half_a_day(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes |= {"/a": PAGE, "/b": PAGE}
    await fetcher.fetch(server.url("/a"))
    await fetcher.fetch(server.url("/b"))
    assert server.robots_read == 1
    clock.passed += 12 * 3600
    await fetcher.fetch(server.url("/b"))
    assert server.robots_read == 2


@pytest.mark.parametrize("status", [404, 401, 403])
async def test_a_site_without_readable_robots_txt_allows_all(server: WebServer, fetcher: Fetcher, status: int) -> None:
    server.routes |= {"/robots.txt": Reply(status=status), "/a": PAGE}
    await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


async def test_while_robots_txt_fails_nothing_is_fetched(server: WebServer, fetcher: Fetcher, clock: FakeClock) -> None:
    server.routes |= {"/robots.txt": Reply(status=500), "/a": PAGE}
    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"robots\.txt can't be read"):
            await fetcher.fetch(server.url("/a"))
    assert server.robots_read == 3  # the attempts of one reading: the failure is remembered for a while
    server.routes["/robots.txt"] = robots()
    clock.passed += 600
    await fetcher.fetch(server.url("/a"))


async def test_an_endless_robots_txt_denies_all(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = Reply(b"#" * 2_000_000, headers=TEXT)
    with pytest.raises(DeniedByRobotsError, match="larger than"):
        await fetcher.fetch(server.url("/a"))


@pytest.mark.parametrize("rule", ["Crawl-delay: 7", "Request-rate: 2/14"])
async def test_the_crawl_delay_lies_between_requests(
    server: WebServer, fetcher: Fetcher, clock: FakeClock, rule: str
) -> None:
    server.routes |= {"/robots.txt": robots("User-agent: *", rule), "/a": PAGE}
    for _ in range(3):
        await fetcher.fetch(server.url("/a"))
    assert clock.slept == [7.0, 7.0]


async def test_a_site_that_wants_an_hour_between_requests_is_left_until_then(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes |= {"/robots.txt": robots("User-agent: *", "Crawl-delay: 3600"), "/a": PAGE, "/b": PAGE}
    await fetcher.fetch(server.url("/a"))
    with pytest.raises(UnavailableError) as caught:
        await fetcher.fetch(server.url("/b"))
    assert caught.value.retry_after == pytest.approx(3600)
    clock.passed += 3600
    await fetcher.fetch(server.url("/b"))


async def test_requests_to_a_host_keep_their_distance_and_other_hosts_need_not_wait(
    server: WebServer, new_fetcher: NewFetcher, clock: FakeClock
) -> None:
    server.routes |= {"/a": PAGE, "/robots.txt": robots()}
    async with new_fetcher(host_interval_seconds=5.0) as fetcher:
        await fetcher.fetch(server.url("/a"))
        assert clock.slept == [5.0]  # after robots.txt
        await fetcher.fetch(server.url("/a", "other.example"))
        assert clock.slept == [5.0, 5.0]  # its own robots.txt, and nothing for the first host
        await fetcher.fetch(server.url("/a"))
    assert clock.slept == [5.0, 5.0]


async def test_no_more_than_a_few_requests_at_once_reach_a_host(server: WebServer, new_fetcher: NewFetcher) -> None:
    at_once, most = 0, 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        writer.write(PAGE.head() + PAGE.body)

    server.scripts["/a"] = count
    async with new_fetcher(host_concurrency=2) as fetcher:
        await asyncio.gather(*(fetcher.fetch(server.url("/a")) for _ in range(8)))
    assert most == 2
