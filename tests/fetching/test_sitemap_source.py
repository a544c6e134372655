"""Sitemaps, round by round, from a local server."""

import gzip
from datetime import timedelta

import pytest

from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import NotFoundError
from ingest_service.sources import NOT_BEFORE, Gone
from ingest_service.sources.sitemaps import SitemapSource
from tests.fetching.conftest import START, FakeClock
from tests.fetching.rounds import Notes, documents, poll, reasons
from tests.fetching.server import Reply, Request, WebServer

PAGE = Reply(b"<html><p>An article.")


def urlset(server: WebServer, **pages: str) -> Reply:
    """Pages by name with the day of their last change."""
    entries = "".join(f"<url><loc>{server.url(f'/{name}')}</loc>{_day(day)}</url>" for name, day in pages.items())
    return Reply(f"<urlset>{entries}</urlset>".encode())


def index(server: WebServer, **sitemaps: str) -> Reply:
    """Sitemaps by name with the day of their last change."""
    entries = "".join(
        f"<sitemap><loc>{server.url(f'/{name}')}</loc>{_day(day)}</sitemap>" for name, day in sitemaps.items()
    )
    return Reply(f"<sitemapindex>{entries}</sitemapindex>".encode())


def _day(day: str) -> str:
    return f"<lastmod>{day}</lastmod>" if day else ""


@pytest.fixture
def source(server: WebServer, fetcher: Fetcher, clock: FakeClock) -> SitemapSource:
    server.routes |= {f"/{name}": PAGE for name in "abcdef"}
    return SitemapSource("site", server.url("/map"), fetcher, clock.now, pages_a_round=3)


async def keys(source: SitemapSource, memory: Notes) -> list[str]:
    return [found.key.rpartition("/")[2] for found in documents(await poll(source, memory))]


async def test_new_and_changed_pages_are_fetched_the_newest_first(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    server.routes["/map"] = urlset(server, a="2026-01-01", b="2026-01-02", c="")
    assert await keys(source, memory) == ["b", "a", "c"]
    assert await keys(source, memory) == []
    server.routes["/map"] = urlset(server, a="2026-01-01", b="2026-02-01", c="", d="2026-01-03")
    assert await keys(source, memory) == ["b", "d"]


async def test_what_is_too_much_for_one_round_comes_in_the_next(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    first = index(server, new="2026-01-02", old="2026-01-01")
    server.routes["/map"] = lambda request: Reply(status=304) if request.conditional else first
    server.routes["/new"] = urlset(server, a="2026-01-06", b="2026-01-05")
    server.routes["/old"] = urlset(server, c="2026-01-04", d="2026-01-03", e="2026-01-02")
    assert [await keys(source, memory) for _ in range(3)] == [["a", "b", "c"], ["d", "e"], []]


async def test_an_index_is_followed_to_the_sitemaps_that_have_changed(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    server.routes |= {"/old": urlset(server, a=""), "/new": urlset(server, b="")}
    server.routes["/map"] = index(server, old="2026-01-01", new="2026-01-02")
    assert await keys(source, memory) == ["b", "a"]
    server.routes["/map"] = index(server, old="2026-01-01", new="2026-01-03")
    server.routes["/new"] = urlset(server, b="", c="")
    server.requests.clear()
    assert await keys(source, memory) == ["c"]
    assert server.paths == ["/map", "/new", "/c"]


async def test_compressed_sitemaps_are_read(server: WebServer, source: SitemapSource) -> None:
    packed = Reply(gzip.compress(urlset(server, a="").body), headers={"Content-Type": "application/gzip"})
    server.routes |= {"/map": index(server, day=""), "/day": packed}
    assert await keys(source, Notes()) == ["a"]


async def test_a_sitemap_bomb_costs_itself_only(server: WebServer, source: SitemapSource) -> None:
    bomb = Reply(gzip.compress(b"<urlset>" + b" " * 60_000_000), headers={"Content-Type": "application/gzip"})
    server.routes |= {"/map": index(server, bomb="2026-01-02", fine="2026-01-01")}
    server.routes |= {"/bomb": bomb, "/fine": urlset(server, a="")}
    refused, found = await poll(source, Notes())
    assert "larger than 52,428,800 bytes" in reasons([refused])[0]
    assert len(documents([found])) == 1


async def test_a_sitemap_that_fails_leaves_the_others(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    server.routes["/map"] = index(server, down="2026-01-02", fine="2026-01-01", missing="")
    server.routes |= {"/down": Reply(status=500), "/fine": urlset(server, a="")}
    down, found, missing = await poll(source, memory)
    assert "waits for the next round" in reasons([down])[0]
    assert documents([found])[0].key == server.url("/a")
    assert "404" in reasons([missing])[0]
    server.routes["/down"] = urlset(server, b="")
    assert server.url("/b") in [getattr(each, "key", None) for each in await poll(source, memory)]


async def test_indexes_of_themselves_and_without_end_are_given_up(server: WebServer, source: SitemapSource) -> None:
    def deeper(request: Request) -> Reply:
        return index(server, map="", **{f"{request.path[1:]}x": ""})

    server.routes |= {"/map" + "x" * depth: deeper for depth in range(20)}
    assert "3 indexes deep" in reasons(await poll(source, Notes()))[0]
    assert server.paths == ["/map", "/mapx", "/mapxx", "/mapxxx"]


async def test_an_index_of_thousands_is_read_a_part_at_a_time(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes |= {f"/m{n}": urlset(server) for n in range(150)}
    server.routes["/map"] = index(server, **{f"m{n}": "2026-01-01" for n in range(150)})
    source, memory = SitemapSource("site", server.url("/map"), fetcher, clock.now), Notes()
    await poll(source, memory)
    assert len(server.paths) == 100
    await poll(source, memory)
    assert len(set(server.paths)) == 151


async def test_a_sitemap_that_has_not_changed_is_not_sent_again(server: WebServer, source: SitemapSource) -> None:
    stamped = Reply(urlset(server, a="").body, headers={"ETag": '"1"'})
    server.routes["/map"] = lambda request: Reply(status=304) if request.conditional else stamped
    memory = Notes()
    assert await keys(source, memory) == ["a"]
    assert await keys(source, memory) == []
    assert server.requests[-1].conditional


async def test_a_page_that_answers_410_is_gone(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    server.routes["/map"] = urlset(server, a="2026-01-01")
    await poll(source, memory)
    server.routes |= {"/map": urlset(server, a="2026-01-02"), "/a": Reply(status=410)}
    [gone] = await poll(source, memory)
    assert isinstance(gone, Gone)
    assert gone.url == server.url("/a")


async def test_a_sitemap_that_stays_for_a_while_is_not_asked_before(server: WebServer, source: SitemapSource) -> None:
    memory = Notes()
    server.routes["/map"] = Reply(urlset(server, a="").body, headers={"Cache-Control": "max-age=600"})
    await poll(source, memory)
    assert memory.get(NOT_BEFORE) == (START + timedelta(minutes=10)).isoformat()


async def test_a_sitemap_with_pages_left_for_the_next_round_is_asked_as_usual(
    server: WebServer, source: SitemapSource
) -> None:
    memory = Notes()
    many = urlset(server, a="", b="", c="", d="")
    server.routes["/map"] = Reply(many.body, headers={"Cache-Control": "max-age=600"})
    await poll(source, memory)
    assert memory.get(NOT_BEFORE) is None


async def test_a_page_without_a_date_that_fails_is_fetched_in_a_later_round(
    server: WebServer, source: SitemapSource
) -> None:
    memory = Notes()
    server.routes |= {"/map": urlset(server, a=""), "/a": Reply(status=500)}
    assert await poll(source, memory) == []
    server.routes["/a"] = PAGE
    assert await keys(source, memory) == ["a"]


async def test_a_sitemap_that_is_missing_fails_the_source(source: SitemapSource) -> None:
    with pytest.raises(NotFoundError):
        await poll(source, Notes())
