"""The application: who may send what, and what is answered."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ingest_service.api.problems import ProblemError, come_back, rejected
from ingest_service.api.submissions import Submission, read_submission
from ingest_service.outbox import Outbox
from ingest_service.outcomes import Outcome
from ingest_service.pipeline import Normalise, Report, note, prepared
from ingest_service.settings import IngestApiSettings
from ingest_service.sources import RawDocument
from ingest_service.state import Answer, State
from shared.errors import BadInputError, TransientError
from shared.health import PROBED, Checks
from shared.observability import SUBMISSIONS

_LATER_SECONDS = 5
_LONGEST_KEY = 255


class Articles:
    """Takes articles: answers 202 once the broker has them. `token` is what clients must know."""

    def __init__(
        self,
        settings: IngestApiSettings,
        token: bytes,
        *,
        outbox: Outbox,
        state: State,
        normalise: Normalise,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._token = hashlib.sha256(token).digest()
        self._outbox = outbox
        self._state = state
        self._normalise = normalise
        self._clock = clock
        self._free = settings.parallel
        self._answering: set[str] = set()

    async def post(self, request: Request) -> Response:
        """`POST /articles`."""
        try:
            response = await self._post(request)
        except BadInputError as error:
            response = rejected(error).response
        except ProblemError as problem:
            response = problem.response
        except TransientError as error:
            response = come_back(_LATER_SECONDS, f"the broker has not acknowledged: {error}").response
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it; so that it is counted
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response.headers["Connection"] = "close"  # what was not read of the body never will be
        SUBMISSIONS.labels(str(response.status_code)).inc()
        return response

    async def _post(self, request: Request) -> Response:
        self._authorise(request)
        if self._outbox.readiness.missing is not None:
            raise come_back(_LATER_SECONDS, f"articles can't be taken now: {self._outbox.readiness.missing}")
        if self._free == 0:
            raise come_back(1, f"{self._settings.parallel} requests are being worked on")
        self._free -= 1
        try:
            return await self._taken(await self._read(request))
        finally:
            self._free += 1

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(token.strip().encode()).digest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(digest, self._token):
            detail = "send the token of STANCE_INGEST_API_TOKEN as `Authorization: Bearer ...`"
            raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})

    async def _read(self, request: Request) -> Submission:
        """The whole request, if it is small enough and comes in time."""
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= _LONGEST_KEY:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"Idempotency-Key must have 1 to {_LONGEST_KEY} characters")
        most = self._settings.max_bytes
        too_large = ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {most:,} bytes; send several")
        if int(request.headers.get("Content-Length", 0)) > most:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise too_large
        except TimeoutError as error:
            detail = f"the body took longer than {self._settings.read_seconds:g} seconds"
            raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail) from error
        return Submission(bytes(body), request.headers.get("Content-Type", ""), dict(request.query_params), key)

    async def _taken(self, sent: Submission) -> Response:
        """Publish it, unless that was done under its key before."""
        key = sent.idempotency_key
        if key is None:
            return _accepted(await self._publish(sent))
        if key in self._answering:
            raise ProblemError(HTTPStatus.CONFLICT, "a request with this Idempotency-Key is being worked on")
        self._answering.add(key)
        try:
            request = _digest(sent)
            known = await self._outbox.in_thread(lambda: self._state.answer(key))
            if known is None:
                answer = Answer(key, request, json.dumps(await self._publish(sent)), self._clock())
                await self._outbox.in_thread(lambda: self._keep(answer))
                return _accepted(json.loads(answer.answer))
            if known.request != request:
                detail = "this Idempotency-Key was used for another request; use a new one"
                raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
            return _accepted(json.loads(known.answer), replayed=True)
        finally:
            self._answering.discard(key)

    async def _publish(self, sent: Submission) -> dict[str, object]:
        found = read_submission(sent)
        batch = [found] if isinstance(found, RawDocument) else found
        if not 0 < len(batch) <= self._settings.max_articles:
            most = self._settings.max_articles
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"a batch has 1 to {most} articles, not {len(batch)}")
        outcomes = await self._outbox.publish(await prepared(batch, self._normalise))
        note(outcomes, Report())
        if isinstance(found, RawDocument):
            if outcomes[0].error is not None:
                raise outcomes[0].error
            return _told(outcomes[0])
        return {"articles": [_told(outcome) for outcome in outcomes]}

    def _keep(self, answer: Answer) -> None:
        with self._state.writing():
            self._state.answered(answer, timedelta(hours=self._settings.answers_kept_hours))


def application(articles: Articles, checks: Checks) -> Starlette:
    """The routes."""

    async def health(request: Request) -> Response:
        well, told = checks.told(request.url.path)
        return JSONResponse(told, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)

    return Starlette(
        routes=[
            Route("/articles", articles.post, methods=["POST"]),
            *(Route(path, health) for path in PROBED),
        ]
    )


def _told(outcome: Outcome) -> dict[str, object]:
    if outcome.error is not None:
        return {"status": outcome.status, "problem": rejected(outcome.error).body}
    return {"status": outcome.status, "article_id": outcome.article_id, "revision": outcome.revision}


def _accepted(answer: dict[str, object], *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return JSONResponse(answer, HTTPStatus.ACCEPTED, headers)


def _digest(sent: Submission) -> str:
    head = json.dumps([sent.content_type, sorted(sent.query.items())]).encode()
    return hashlib.sha256(hashlib.sha256(head).digest() + sent.body).hexdigest()
