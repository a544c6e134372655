"""Fetching from servers that behave."""

import gzip
from collections.abc import Callable

import brotli
import pytest

from ingest_service.fetching import Fetched, Fetcher, NotModified, Validators
from ingest_service.fetching.errors import (
    GonePageError,
    NotFoundError,
    PermanentFetchError,
    RefusedUrlError,
    StatusError,
    TransientFetchError,
    UnavailableError,
    WrongTypeError,
)
from tests.fetching.conftest import FakeClock, NewFetcher
from tests.fetching.server import Reply, Request, WebServer

PAGE = Reply(b"<html><p>Hello", headers={"Content-Type": "text/html; charset=ISO-8859-1", "ETag": '"1"'})


async def fetched(fetcher: Fetcher, url: str) -> Fetched:
    answer = await fetcher.fetch(url)
    assert isinstance(answer, Fetched)
    return answer


async def test_a_page_comes_with_its_kind_charset_and_validators(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = PAGE
    page = await fetched(fetcher, server.url("/a"))
    assert (page.content, page.kind, page.charset) == (b"<html><p>Hello", "html", "iso8859-1")
    assert page.validators == Validators(etag='"1"')


async def test_we_say_who_we_are_and_how_to_reach_us(server: WebServer, new_fetcher: NewFetcher) -> None:
    server.routes["/a"] = PAGE
    async with new_fetcher(contact="https://tracker.example/robot") as fetcher:
        await fetched(fetcher, server.url("/a"))
    assert server.requests[0].headers["user-agent"].startswith("Stancewatch/")
    assert server.requests[0].headers["user-agent"].endswith(" (+https://tracker.example/robot)")


async def test_a_page_that_has_not_changed_is_not_sent_again(server: WebServer, fetcher: Fetcher) -> None:
    def answer(request: Request) -> Reply:
        return Reply(status=304) if request.headers.get("if-none-match") == '"1"' else PAGE

    server.routes["/a"] = answer
    page = await fetched(fetcher, server.url("/a"))
    again = await fetcher.fetch(server.url("/a"), validators=page.validators)
    assert isinstance(again, NotModified)


async def test_a_304_to_an_unconditional_request_is_an_error(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(status=304)
    with pytest.raises(StatusError, match="304"):
        await fetcher.fetch(server.url("/a"))


async def test_last_modified_is_sent_back_as_it_came(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(status=304)
    stamp = "Sun, 01 Mar 2026 11:00:00 GMT"
    assert isinstance(await fetcher.fetch(server.url("/a"), validators=Validators(last_modified=stamp)), NotModified)
    assert server.requests[0].headers["if-modified-since"] == stamp


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress)])
async def test_compressed_pages_are_unpacked(
    server: WebServer, fetcher: Fetcher, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    server.routes["/a"] = Reply(pack(PAGE.body), headers={"Content-Encoding": coding})
    assert (await fetched(fetcher, server.url("/a"))).content == PAGE.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_to_where_they_lead(server: WebServer, fetcher: Fetcher, status: int) -> None:
    server.routes["/a"] = Reply(status=status, headers={"Location": server.url("/b?x=1#top", "other.example")})
    server.routes["/b?x=1"] = Reply(status=status, headers={"Location": "c"})
    server.routes["/c"] = PAGE
    assert (await fetched(fetcher, server.url("/a"))).url == server.url("/c", "other.example")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (410, GonePageError), (401, StatusError), (403, StatusError), (451, StatusError)],
)
async def test_a_refusal_is_final(
    server: WebServer, fetcher: Fetcher, status: int, error: type[PermanentFetchError]
) -> None:
    server.routes["/a"] = Reply(status=status)
    with pytest.raises(error, match=str(status)):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_fails_is_asked_again_ever_later(
    server: WebServer, fetcher: Fetcher, clock: FakeClock, status: int
) -> None:
    server.routes["/a"] = Reply(status=status)
    with pytest.raises(UnavailableError, match=str(status)):
        await fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"] * 3
    assert clock.slept == [1.0, 2.0]


async def test_a_page_that_comes_at_the_second_attempt_is_taken(server: WebServer, fetcher: Fetcher) -> None:
    replies = iter([Reply(status=503), PAGE])
    server.routes["/a"] = lambda request: next(replies)
    assert (await fetched(fetcher, server.url("/a"))).content == PAGE.body


@pytest.mark.parametrize("value", ["20", "Sun, 01 Mar 2026 12:00:20 GMT"])
async def test_retry_after_is_waited_for(server: WebServer, fetcher: Fetcher, clock: FakeClock, value: str) -> None:
    replies = iter([Reply(status=503, headers={"Retry-After": value}), PAGE])
    server.routes["/a"] = lambda request: next(replies)
    await fetched(fetcher, server.url("/a"))
    assert clock.passed == pytest.approx(20.0)


async def test_a_host_that_wants_a_long_rest_gets_it(server: WebServer, fetcher: Fetcher, clock: FakeClock) -> None:
    server.routes["/a"] = Reply(status=429, headers={"Retry-After": "3600"})
    server.routes["/b"] = PAGE
    for path, reason in (("/a", "429"), ("/b", "3,600 seconds")):
        with pytest.raises(TransientFetchError, match=reason) as caught:
            await fetcher.fetch(server.url(path))
        assert caught.value.retry_after == pytest.approx(3600)
    assert server.paths == ["/a"]
    clock.passed += 3600
    assert (await fetched(fetcher, server.url("/b"))).content == PAGE.body


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://news.example/", "//x", "", "http://",
     "http://user:secret@news.example/", "http://[::1", "http://news.example:99999/", "http://0177.0.0.1/", "http://\u2603\ufffd/"],
)  # fmt: skip
async def test_only_plain_web_addresses_are_fetched(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(RefusedUrlError):
        await fetcher.fetch(url)


async def test_a_redirect_to_another_scheme_is_refused(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(status=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(RefusedUrlError, match="only http"):
        await fetcher.fetch(server.url("/a"))


@pytest.mark.parametrize(
    ("declared", "body"), [("video/mp4", b"<html>"), ("text/html", b"%PDF-1.7"), ("text/plain", b"a\x00b")]
)
async def test_what_is_no_page_is_refused_by_type_or_by_its_first_bytes(
    server: WebServer, fetcher: Fetcher, declared: str, body: bytes
) -> None:
    server.routes["/a"] = Reply(body, headers={"Content-Type": declared})
    with pytest.raises(WrongTypeError):
        await fetcher.fetch(server.url("/a"))


async def test_cookies_are_not_kept(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(b"<html>", headers={"Set-Cookie": "visitor=1; Path=/"})
    await fetcher.fetch(server.url("/a"))
    await fetcher.fetch(server.url("/a"))
    assert not any("cookie" in request.headers for request in server.requests)


async def test_a_meta_refresh_is_not_followed(server: WebServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = Reply(b'<html><meta http-equiv="refresh" content="0; url=/b">')
    await fetched(fetcher, server.url("/a"))
    assert server.paths == ["/a"]


@pytest.mark.parametrize("charset", ["rot13", "hex", "idna", "utf-7", "unicode_escape", "klingon", "", "a\\x00b"])
async def test_a_charset_that_is_none_is_not_passed_on(server: WebServer, fetcher: Fetcher, charset: str) -> None:
    server.routes["/a"] = Reply(b"<html>", headers={"Content-Type": f"text/html; charset={charset}"})
    assert (await fetched(fetcher, server.url("/a"))).charset is None
