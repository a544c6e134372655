"""Feeds, round by round, from a local server."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest_service.fetching import Fetcher
from ingest_service.fetching.errors import NotFoundError, UnavailableError
from ingest_service.sources import NOT_BEFORE, Gone
from ingest_service.sources.feeds import FeedSource
from shared.errors import BadInputError
from tests.fetching.conftest import START, FakeClock
from tests.fetching.rounds import Notes, documents, poll, reasons
from tests.fetching.server import Reply, Request, WebServer

XML = {"Content-Type": "application/rss+xml"}
PAGE = Reply(b"<html><body><p>An article.", headers={"Content-Type": "text/html; charset=iso-8859-2"})
LONG = "<p>" + "The firm opens its model to all. " * 50 + "</p>"


def item(number: int, *more: str, link: str | None = None) -> str:
    fields = "".join(more) or f"<title>Title {number}</title>"
    return f"<item><guid isPermaLink='false'>id-{number}</guid><link>{link or f'/{number}'}</link>{fields}</item>"


def feed(*items: str, head: str = "", **headers: str) -> Reply:
    body = f"<rss><channel><title>News</title>{head}{''.join(items)}</channel></rss>"
    return Reply(body.encode(), headers=XML | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def source(server: WebServer, fetcher: Fetcher, clock: FakeClock) -> FeedSource:
    server.routes |= {f"/{number}": PAGE for number in range(10)}
    return FeedSource("news", server.url("/feed"), fetcher, clock.now)


async def test_the_page_of_an_item_is_fetched_and_known_as_the_feed_describes_it(
    server: WebServer, source: FeedSource
) -> None:
    server.routes["/feed"] = feed(
        item(1, "<title>Firm opens</title><author>Jo Writer</author><pubDate>Sun, 01 Mar 2026 10:00:00 GMT</pubDate>")
    )
    [found] = documents(await poll(source, Notes()))
    assert (found.source, found.key, found.content, found.media_type) == ("news", "id-1", PAGE.body, "text/html")
    assert found.charset == "iso8859-2"
    assert found.known.url == server.url("/1")
    assert (found.known.title, found.known.author, found.known.origin) == ("Firm opens", "Jo Writer", "feed")
    assert found.known.published_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


async def test_a_whole_article_in_the_feed_needs_no_visit(server: WebServer, source: FeedSource) -> None:
    server.routes["/feed"] = feed(item(1, f"<description><![CDATA[{LONG}]]></description>"))
    [found] = documents(await poll(source, Notes()))
    assert LONG.encode() in found.content
    assert (found.media_type, found.known.publisher) == ("text/html", "News")
    assert server.paths == ["/feed"]


async def test_the_page_is_fetched_even_so_where_that_is_asked_for(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes |= {"/feed": feed(item(1, f"<description><![CDATA[{LONG}]]></description>")), "/1": PAGE}
    source = FeedSource("news", server.url("/feed"), fetcher, clock.now, always_fetch=True)
    [found] = documents(await poll(source, Notes()))
    assert found.content == PAGE.body


async def test_each_item_is_found_once_until_it_changes(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes["/feed"] = feed(item(1), item(2))
    assert [found.key for found in documents(await poll(source, memory))] == ["id-1", "id-2"]
    assert await poll(source, memory) == []
    server.routes["/feed"] = feed(item(3), item(1, "<title>A new title</title>"), item(2))
    assert [found.key for found in documents(await poll(source, memory))] == ["id-3", "id-1"]


async def test_a_feed_that_has_not_changed_is_not_sent_again(server: WebServer, source: FeedSource) -> None:
    def answer(request: Request) -> Reply:
        return Reply(status=304) if request.conditional else feed(item(1), ETag='"1"')

    server.routes["/feed"] = answer
    memory = Notes()
    assert len(await poll(source, memory)) == 1
    assert await poll(source, memory) == []
    assert server.requests[-1].headers["if-none-match"] == '"1"'


async def test_a_page_that_fails_for_now_is_fetched_in_a_later_round(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes |= {"/feed": feed(item(1), ETag='"1"'), "/1": Reply(status=500)}
    assert await poll(source, memory) == []
    server.routes["/1"] = PAGE
    assert [found.key for found in documents(await poll(source, memory))] == ["id-1"]
    assert not any(request.conditional for request in server.requests)


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_a_page_that_fails_round_after_round_is_given_up_with_a_reason(
    server: WebServer, source: FeedSource, status: int
) -> None:
    memory = Notes()
    server.routes |= {"/feed": feed(item(1)), "/1": Reply(status=status)}
    rounds = [await poll(source, memory) for _ in range(6)]
    assert rounds[:4] == [[]] * 4
    assert reasons(rounds[4]) == [f"it was given up after 5 rounds: the server answers {status} Said"]
    assert rounds[5] == []


async def test_a_host_that_wants_a_rest_delays_its_items_without_giving_them_up(
    server: WebServer, source: FeedSource, clock: FakeClock
) -> None:
    memory = Notes()
    busy = Reply(status=503, headers={"Retry-After": "7200"})
    server.routes |= {"/feed": feed(item(1, link=server.url("/1", "other.example"))), "/1": busy}
    for _ in range(8):
        assert await poll(source, memory) == []
    assert server.paths.count("/1") == 1
    server.routes["/1"] = PAGE
    clock.passed += 7200
    assert len(documents(await poll(source, memory))) == 1


async def test_a_page_that_robots_txt_denies_is_told_once(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes |= {"/feed": feed(item(1)), "/robots.txt": Reply(b"User-agent: *\nDisallow: /1")}
    assert "robots.txt does not allow it" in reasons(await poll(source, memory))[0]
    assert await poll(source, memory) == []


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://10.0.0.1/x"])
async def test_a_link_to_anything_but_the_public_web_is_refused_with_a_reason(
    server: WebServer, source: FeedSource, link: str
) -> None:
    server.routes["/feed"] = feed(item(1, link=link), item(2))
    refused, found = await poll(source, Notes())
    assert isinstance(refused, BadInputError)
    assert refused.where == link
    assert documents([found])[0].key == "id-2"


async def test_an_item_without_text_and_link_is_refused(server: WebServer, source: FeedSource) -> None:
    server.routes["/feed"] = feed("<item><title>Only a title</title></item>")
    assert reasons(await poll(source, Notes())) == ["the item has neither text nor a link"]


async def test_an_item_that_leaves_the_feed_is_not_gone(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes["/feed"] = feed(item(1))
    await poll(source, memory)
    server.routes["/feed"] = feed()
    assert await poll(source, memory) == []


async def test_a_deleted_entry_is_gone_under_the_url_that_it_was_published_at(
    server: WebServer, source: FeedSource
) -> None:
    memory = Notes()
    server.routes["/short"] = Reply(status=301, headers={"Location": "/1"})
    server.routes["/feed"] = feed(item(1, link="/short"))
    await poll(source, memory)
    tombstone = (
        '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="id-1" when="2026-03-01T00:00:00Z"/>'
    )
    server.routes["/feed"] = feed(head=tombstone)
    [gone] = await poll(source, memory)
    assert isinstance(gone, Gone)
    assert (gone.source, gone.key, gone.url) == ("news", "id-1", server.url("/1"))
    assert await poll(source, memory) == []


async def test_a_title_marked_as_retracted_is_a_withdrawal_until_the_mark_goes(
    server: WebServer, source: FeedSource
) -> None:
    memory = Notes()
    server.routes["/feed"] = feed(item(1))
    await poll(source, memory)
    server.routes["/feed"] = feed(item(1, "<title>RETRACTED: Title 1</title>"))
    [gone] = await poll(source, memory)
    assert isinstance(gone, Gone)
    assert (gone.url, "RETRACTED" in gone.reason) == (server.url("/1"), True)
    server.routes["/feed"] = feed(item(1))
    assert len(documents(await poll(source, memory))) == 1


async def test_a_page_that_answers_410_is_gone(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes["/feed"] = feed(item(1))
    await poll(source, memory)
    server.routes |= {"/feed": feed(item(1, "<title>Changed</title>")), "/1": Reply(status=410)}
    [gone] = await poll(source, memory)
    assert isinstance(gone, Gone)
    assert (gone.url, gone.reason) == (server.url("/1"), "the server answers 410 Said")


async def test_a_round_visits_so_many_pages_and_the_next_one_the_rest(
    server: WebServer, fetcher: Fetcher, clock: FakeClock
) -> None:
    server.routes |= {f"/{number}": PAGE for number in range(5)}
    server.routes["/feed"] = feed(*(item(number) for number in range(5)), ETag='"1"')
    source, memory = FeedSource("news", server.url("/feed"), fetcher, clock.now, pages_a_round=2), Notes()
    rounds = [[found.key for found in documents(await poll(source, memory))] for _ in range(3)]
    assert rounds == [["id-0", "id-1"], ["id-2", "id-3"], ["id-4"]]


async def test_a_broken_feed_gives_what_can_be_read_and_a_reason_for_the_rest(
    server: WebServer, source: FeedSource
) -> None:
    server.routes["/feed"] = Reply(feed(item(1), item(2)).body[:-40], headers=XML)
    broken, found = await poll(source, Notes())
    assert "not well-formed" in reasons([broken])[0]
    assert documents([found])[0].key == "id-1"


@pytest.mark.parametrize("body", [b"<html>Down for maintenance", b"", b"\x00\x01", b"{"])
async def test_what_is_no_feed_fails_the_source(server: WebServer, source: FeedSource, body: bytes) -> None:
    server.routes["/feed"] = Reply(body, headers=XML)
    with pytest.raises(Exception, match=server.url("/feed")):
        await poll(source, Notes())


async def test_a_feed_that_is_missing_fails_the_source(server: WebServer, source: FeedSource) -> None:
    with pytest.raises(NotFoundError):
        await poll(source, Notes())


async def test_a_feed_that_asks_for_a_rest_is_not_asked_before(server: WebServer, source: FeedSource) -> None:
    memory = Notes()
    server.routes["/feed"] = Reply(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(UnavailableError):
        await poll(source, memory)
    assert memory.get(NOT_BEFORE) == (START + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (feed(), timedelta()),
        (feed(head="<ttl>90</ttl>"), timedelta(minutes=90)),
        (feed(Cache_Control="public, max-age=1800"), timedelta(minutes=30)),
        (feed(head="<ttl>20</ttl>", Cache_Control="max-age=1800"), timedelta(minutes=30)),
        (feed(Cache_Control="max-age=99999999"), timedelta(days=1)),
        (feed(head="<skipHours><hour>12</hour><hour>13</hour></skipHours>"), timedelta(hours=2)),
        (feed(head="<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in range(24)) + "</skipHours>"),
         timedelta(hours=24)),
    ],
)  # fmt: skip
async def test_a_feed_says_when_to_ask_again(
    server: WebServer, source: FeedSource, reply: Reply, pause: timedelta
) -> None:
    memory = Notes()
    server.routes["/feed"] = reply
    await poll(source, memory)
    assert memory.get(NOT_BEFORE) == (START + pause).isoformat()


async def test_entities_reach_neither_files_nor_the_network(server: WebServer, source: FeedSource) -> None:
    dtd = f'<!DOCTYPE rss SYSTEM "{server.url("/evil.dtd")}" [<!ENTITY x SYSTEM "{server.url("/evil")}">]>'
    server.routes["/feed"] = Reply(dtd.encode() + feed(item(1, "<title>&x;</title>")).body, headers=XML)
    [found] = documents(await poll(source, Notes()))
    assert found.known.title == "&x;"
    assert server.paths == ["/feed", "/1"]
