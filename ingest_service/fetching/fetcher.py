"""Fetches pages politely, and within limits that no server can stretch."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from ingest_service.fetching.answers import Fetched, NotModified, Validators
from ingest_service.fetching.clock import Clock, SystemClock
from ingest_service.fetching.errors import (
    FetchError,
    RefusedAddressError,
    RefusedUrlError,
    TooLargeError,
    TooManyRedirectsError,
    TooSlowError,
    TransientFetchError,
    UndecodableError,
    UnreachableError,
    WrongTypeError,
)
from ingest_service.fetching.headers import max_age, media_type, refusal, require_fetchable
from ingest_service.fetching.network import VettedNetwork, VettedTransport
from ingest_service.fetching.pace import Pacer
from ingest_service.fetching.robots import MAX_BYTES as MAX_ROBOTS_BYTES
from ingest_service.fetching.robots import Robots
from ingest_service.fetching.settings import FetchSettings
from ingest_service.fetching.sniff import Kind, is_never_text, kind_of
from ingest_service.text import known_charset

PAGE: frozenset[Kind] = frozenset({"html", "text"})
_ANY_TEXT: frozenset[Kind] = frozenset({"html", "xml", "json", "text"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class _Wish:
    """What is asked of every server that a URL leads to."""

    accept: frozenset[Kind]
    max_bytes: int
    validators: Validators = field(default_factory=Validators)
    robots: bool = True


class Fetcher:
    """An HTTP client for pages of strangers; an async context manager. One serves all sources of a process."""

    def __init__(
        self,
        settings: FetchSettings,
        network: VettedNetwork,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._pacer = Pacer(self._clock, settings.host_concurrency, settings.max_wait_seconds)
        self._robots = Robots(self._robots_txt, self._clock)
        self._client = httpx2.AsyncClient(
            transport=VettedTransport(network),
            headers={"User-Agent": settings.user_agent},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx2.Timeout(settings.timeout_seconds, connect=_CONNECT_SECONDS),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def fetch(
        self,
        url: str,
        accept: frozenset[Kind] = PAGE,
        validators: Validators | None = None,
        max_bytes: int | None = None,
    ) -> Fetched | NotModified:
        """The page at a URL, or what its redirects lead to; raises FetchError with the reason if there is none.

        `validators` are those of the version known already: NotModified if it is still the newest.
        """
        return await self._follow(url, _Wish(accept, max_bytes or self._settings.max_bytes, validators or Validators()))

    async def _robots_txt(self, url: str) -> bytes:
        answer = await self._follow(url, _Wish(_ANY_TEXT, MAX_ROBOTS_BYTES, robots=False))
        assert isinstance(answer, Fetched)  # without validators there is nothing to be unmodified
        return answer.content

    async def _follow(self, url: str, wish: _Wish) -> Fetched | NotModified:
        seen: set[str] = set()
        while True:
            target = require_fetchable(url)
            if str(target) in seen:
                raise TooManyRedirectsError(url, "it redirects in a circle")
            if len(seen) > self._settings.max_redirects:
                raise TooManyRedirectsError(url, f"it redirects more than {self._settings.max_redirects} times")
            seen.add(str(target))
            interval = await self._robots.interval(target) if wish.robots else 0.0
            answer = await self._insist(target, wish, max(interval, self._settings.host_interval_seconds))
            if not isinstance(answer, str):
                return answer
            url = answer

    async def _insist(self, url: httpx2.URL, wish: _Wish, interval: float) -> Fetched | NotModified | str:
        """One answer; asked for again, ever later, while the server fails. A text is where it redirects to."""
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._pacer.turn(str(url), url.host, interval):
                    return await self._ask(url, wish)
            except TooSlowError:
                raise  # another such wait would hold up the host's other pages
            except TransientFetchError as error:
                asked_to_wait = error.retry_after or 0.0
                if attempt >= self._settings.attempts or asked_to_wait > self._settings.max_wait_seconds:
                    raise
            await self._clock.sleep(self._settings.backoff_seconds * 2 ** (attempt - 1) * self._jitter())

    async def _ask(self, url: httpx2.URL, wish: _Wish) -> Fetched | NotModified | str:
        limit = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                async with self._client.stream(
                    "GET", url, headers=wish.validators.headers(), extensions={"max_bytes": wish.max_bytes}
                ) as response:
                    return await self._read(response, wish)
        except httpcore2.ConnectTimeout as error:
            raise UnreachableError(str(url), f"no connection within {_CONNECT_SECONDS:g} seconds") from error
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise TooSlowError(str(url), f"it took longer than {limit:g} seconds to answer") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise UnreachableError(str(url), f"the connection failed: {str(error) or type(error).__name__}") from error
        except httpx2.DecodingError as error:
            raise UndecodableError(str(url), f"it can't be decompressed: {error}") from error
        except RefusedAddressError as error:
            raise RefusedAddressError(str(url), error.reason) from error

    async def _read(self, response: httpx2.Response, wish: _Wish) -> Fetched | NotModified | str:
        url = str(response.request.url)
        if response.status_code in _REDIRECTS and "location" in response.headers:
            return _destination(response)
        if response.status_code == 304 and wish.validators.headers():
            return NotModified(url, max_age(response))
        if not response.is_success:
            raise self._held(refusal(response, self._clock.now()), response.request.url.host)
        declared = media_type(response)
        if is_never_text(declared):
            raise WrongTypeError(url, f"it is {declared}")
        content = await _content(response, wish.max_bytes)
        kind = kind_of(declared, content)
        if kind not in wish.accept:
            raise WrongTypeError(url, f"it is {kind} ({declared or 'of no declared type'}), not {_listed(wish.accept)}")
        headers = response.headers
        return Fetched(
            url=url,
            content=content,
            kind=kind,
            charset=known_charset(response.charset_encoding),
            validators=Validators(headers.get("etag"), headers.get("last-modified")),
            max_age=max_age(response),
        )

    def _held(self, error: FetchError, host: str) -> FetchError:
        if isinstance(error, TransientFetchError) and error.retry_after:
            self._pacer.hold(host, error.retry_after)
        return error


async def _content(response: httpx2.Response, max_bytes: int) -> bytes:
    """The body decompressed; httpx unpacks it in pieces, so that what is too large is never held in memory."""
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > max_bytes:
            raise TooLargeError(str(response.request.url), f"it is larger than {max_bytes:,} bytes once decompressed")
    return bytes(content)


def _destination(response: httpx2.Response) -> str:
    try:
        return str(response.request.url.join(response.headers["location"]))
    except (httpx2.InvalidURL, ValueError) as error:
        reason = f"it redirects to {response.headers['location'][:100]!r}, which is no valid URL"
        raise RefusedUrlError(str(response.request.url), reason) from error


def _listed(kinds: frozenset[Kind]) -> str:
    return " or ".join(sorted(kinds))
