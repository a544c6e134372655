"""Single pages, round by round, from a local server."""

from datetime import timedelta

import pytest

from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import NotFoundError, UnavailableError
from ingest_service.sources import NOT_BEFORE, Gone
from ingest_service.sources.pages import PagesSource
from tests.fetching.conftest import START, FakeClock
from tests.fetching.rounds import Notes, documents, poll, reasons
from tests.fetching.server import Reply, WebServer

PAGE = Reply(b"<html><p>An article.", headers={"Last-Modified": "Sun, 01 Mar 2026 11:00:00 GMT"})


@pytest.fixture
def source(server: WebServer, fetcher: Fetcher, clock: FakeClock) -> PagesSource:
    return PagesSource("site", [server.url("/a")], fetcher, clock.now)


async def test_a_page_is_found_when_it_is_new_or_changed(server: WebServer, source: PagesSource) -> None:
    memory = Notes()
    server.routes["/a"] = PAGE
    [found] = documents(await poll(source, memory))
    assert (found.key, found.content, found.known.url) == (server.url("/a"), PAGE.body, server.url("/a"))
    assert await poll(source, memory) == []
    server.routes["/a"] = Reply(b"<html><p>A changed article.")
    assert len(documents(await poll(source, memory))) == 1


async def test_a_page_that_says_that_it_has_not_changed_is_not_sent(server: WebServer, source: PagesSource) -> None:
    memory = Notes()
    server.routes["/a"] = lambda request: Reply(status=304) if request.conditional else PAGE
    assert len(await poll(source, memory)) == 1
    assert await poll(source, memory) == []
    assert server.requests[-1].conditional


async def test_a_text_is_a_text(server: WebServer, source: PagesSource) -> None:
    server.routes["/a"] = Reply("Grüße".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"})
    [found] = documents(await poll(source, Notes()))
    assert (found.media_type, found.charset) == ("text/plain", "iso8859-1")


async def test_410_is_gone_under_the_url_that_it_was_published_at(server: WebServer, source: PagesSource) -> None:
    memory = Notes()
    server.routes |= {"/a": Reply(status=302, headers={"Location": "/b"}), "/b": PAGE}
    await poll(source, memory)
    server.routes["/b"] = Reply(status=410)
    [gone] = await poll(source, memory)
    assert isinstance(gone, Gone)
    assert (gone.key, gone.url) == (server.url("/a"), server.url("/b"))


async def test_404_is_an_error_however_often_it_comes(server: WebServer, source: PagesSource) -> None:
    memory = Notes()
    server.routes["/a"] = PAGE
    await poll(source, memory)
    server.routes["/a"] = Reply(status=404)
    for _ in range(3):
        with pytest.raises(NotFoundError):
            await poll(source, memory)


async def test_one_of_many_pages_that_fails_leaves_the_others(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes["/b"] = PAGE
    source = PagesSource("site", [server.url("/a"), server.url("/b")], fetcher, clock.now)
    missing, found = await poll(source, Notes())
    assert "404" in reasons([missing])[0]
    assert documents([found])[0].key == server.url("/b")


async def test_a_page_that_asks_for_a_rest_is_not_asked_before(server: WebServer, source: PagesSource) -> None:
    memory = Notes()
    server.routes["/a"] = Reply(status=503, headers={"Retry-After": "600"})
    with pytest.raises(UnavailableError):
        await poll(source, memory)
    assert memory.get(NOT_BEFORE) == (START + timedelta(minutes=10)).isoformat()
