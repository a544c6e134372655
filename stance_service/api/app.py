"""The application: who may read what, and what is answered."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping, Set
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shared.events import ChangeKind
from stance_service.api.events import Filter, Place, PlaceError, event, heartbeat, opening
from stance_service.api.hub import Hub, Subscription
from stance_service.settings import ApiSettings

_FILTERS: Final = {"actor": "actors", "tag": "tags", "axis": "axes", "kind": "kinds"}
_AFTER: Final = "after"
_FINISH_SECONDS: Final = 2.0
"""How long a stream that has ended may take to say so to its client."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class RefusedRequestError(Exception):
    """What can't be answered, as RFC 9457 has it."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        body = {"title": status.phrase, "status": status.value, "detail": detail}
        self.response = JSONResponse(body, status.value, headers, "application/problem+json")


class Streams:
    """`GET /changes/stream`. `tags`: of each registered actor."""

    def __init__(
        self, settings: ApiSettings, token: str, hub: Hub, axes: Set[str], tags: Mapping[str, Set[str]]
    ) -> None:
        self._settings = settings
        self._token = token.encode()
        self._hub = hub
        self._axes = axes
        self._tags = tags

    async def get(self, request: Request) -> Response:
        """A stream, or why there is none."""
        try:
            self._authorise(request)
            wanted = self._filter(request)
            start = await self._start(request)
        except RefusedRequestError as refused:
            return refused.response
        subscription = self._hub.subscribe()
        stream = self._stream(subscription, start or subscription.place, wanted)
        return _Stream(stream, self._hub, subscription)

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._token and (scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token)):
            detail = "send the token of STANCE_API_TOKEN as `Authorization: Bearer ...`"
            raise RefusedRequestError(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
        if self._hub.clients >= self._settings.clients:
            detail = f"{self._settings.clients} clients are being served"
            raise RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})

    def _filter(self, request: Request) -> Filter:
        allowed = {"axis": self._axes, "kind": set(ChangeKind), "tag": set().union(*self._tags.values())}
        query = request.query_params
        for name, value in query.multi_items():
            if name not in {*_FILTERS, _AFTER}:
                detail = f"{name}: is no filter; allowed are {', '.join(_FILTERS)}, and {_AFTER}"
                raise RefusedRequestError(HTTPStatus.BAD_REQUEST, detail)
            if value not in allowed.get(name, {value}):
                detail = f"{name}: there is no {value!r}; allowed are {', '.join(sorted(allowed[name]))}"
                raise RefusedRequestError(HTTPStatus.BAD_REQUEST, detail)
        return Filter(**{field: frozenset(query.getlist(name)) for name, field in _FILTERS.items()})

    async def _start(self, request: Request) -> Place | None:
        """Where to resume; None: with the next change. The header is the newer of the two when a browser reconnects."""
        said = request.headers.get("Last-Event-ID") or request.query_params.get(_AFTER)
        if not said:
            return None
        first, last = await run_in_threadpool(self._hub.kept)
        if said == "beginning":
            return first
        try:
            place = Place.read(said, self._hub.partitions)
        except PlaceError as error:
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, f"Last-Event-ID: {error}") from error
        if any(at < kept for at, kept in zip(place.offsets, first.offsets, strict=True)):
            detail = f"the changes after {place} are no longer all there; what is left begins at {first}"
            raise RefusedRequestError(HTTPStatus.GONE, detail)
        if any(at > end for at, end in zip(place.offsets, last.offsets, strict=True)):
            detail = f"{place} lies beyond the last change, {last}: the topic has been made anew"
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, detail)
        return place

    async def _stream(self, subscription: Subscription, place: Place, wanted: Filter) -> AsyncIterator[bytes]:
        """What the topic has until the subscription began, then what that gets; each change once."""
        yield opening(place)
        async for part in iterate_in_threadpool(self._hub.between(place, subscription.place)):
            for each in part:
                place = place.past(each.partition, each.offset)
                if wanted.wants(each.change, self._tags):
                    yield event(each, place)
        place = place.or_later(subscription.place)
        while not subscription.ended.is_set():
            try:
                async with asyncio.timeout(self._settings.heartbeat_seconds):
                    change = await subscription.changes.get()
            except TimeoutError:
                yield heartbeat(place)
                continue
            if change is not None and change.offset >= place.offsets[change.partition]:
                place = place.past(change.partition, change.offset)
                if wanted.wants(change.change, self._tags):
                    yield event(change, place)


class _Stream(StreamingResponse):
    """Leaves a client alone that takes nothing any more."""

    def __init__(self, content: AsyncIterator[bytes], hub: Hub, subscription: Subscription) -> None:
        super().__init__(content, headers=_HEADERS, media_type="text/event-stream")
        self._hub = hub
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streaming = asyncio.ensure_future(super().__call__(scope, receive, send))
        ended = asyncio.ensure_future(self._subscription.ended.wait())
        try:
            await asyncio.wait({streaming, ended}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({streaming}, timeout=_FINISH_SECONDS)
        finally:
            self._hub.leave(self._subscription)
            ended.cancel()
            if not streaming.cancel():
                streaming.result()


def application(streams: Streams, settings: ApiSettings, documents: Mapping[str, str]) -> Starlette:
    """The routes. `documents`: JSON, by path."""

    async def document(request: Request) -> Response:
        return Response(documents[request.url.path], media_type="application/json")

    origins = [each.strip() for each in settings.origins.split(",") if each.strip()]
    allowed = ["Authorization", "Last-Event-ID"]
    return Starlette(
        routes=[
            Route("/changes/stream", streams.get),
            *(Route(path, document) for path in documents),
        ],
        middleware=[Middleware(CORSMiddleware, allow_origins=origins, allow_headers=allowed)] if origins else [],
    )
