"""What `POST /articles` answers, over a topic in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from ingest_service.api.app import Articles, application
from ingest_service.normalising import Normalised, normalised
from ingest_service.outbox import Outbox
from ingest_service.publish import Publishing
from ingest_service.settings import IngestApiSettings
from ingest_service.sources import RawDocument
from ingest_service.state import State
from shared.health import Checks
from tests.documents import PROSE, READ_AT
from tests.topics import MemoryTopic

TOKEN = "a token that is long"
SENT = {"id": "1", "body": PROSE[0], "published_at": "2024-03-13"}


async def normalise(documents: Sequence[RawDocument]) -> list[Normalised]:
    return [normalised(each, READ_AT) for each in documents]


@pytest.fixture
def topic() -> MemoryTopic:
    return MemoryTopic()


@pytest.fixture
async def api(topic: MemoryTopic) -> AsyncIterator[httpx2.AsyncClient]:
    state = State(None)
    settings = IngestApiSettings(token=SecretStr(TOKEN), max_bytes=10_000, max_articles=3, read_seconds=0.5)
    async with Outbox(Publishing(state, topic, lambda: READ_AT)) as outbox:
        articles = Articles(
            settings, TOKEN.encode(), outbox=outbox, state=state, normalise=normalise, clock=lambda: datetime.now(UTC)
        )
        checks = Checks(ready={"kafka": outbox.readiness})
        transport = httpx2.ASGITransport(app=application(articles, checks))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.01)
            yield client
    state.close()


async def test_an_article_is_accepted_once_it_is_on_the_topic(api: httpx2.AsyncClient, topic: MemoryTopic) -> None:
    answer = await api.post("/articles", json=SENT)
    [published] = topic.events
    assert answer.status_code == 202
    assert answer.json() == {"status": "published", "article_id": published.article_id, "revision": 1}
    assert getattr(published, "published_origin", None) == "submitted"
    assert (await api.post("/articles", json=SENT)).json()["status"] == "unchanged"
    changed = await api.post("/articles", json={**SENT, "body": PROSE[1]})
    assert changed.json() == {"status": "revised", "article_id": published.article_id, "revision": 2}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=iso-8859-1", f"<html><body><p>{PROSE[0]} Größe.</p></body></html>".encode("latin-1")),
        ("text/plain; charset=iso-8859-1", f"{PROSE[0]} Größe.".encode("latin-1")),
    ],
)
async def test_a_page_is_taken_as_it_is_with_what_the_address_says_of_it(
    api: httpx2.AsyncClient, topic: MemoryTopic, content_type: str, body: bytes
) -> None:
    query = {"url": "https://x.example/1", "title": "Source code", "language": "en"}
    answer = await api.post("/articles", content=body, headers={"Content-Type": content_type}, params=query)
    assert answer.status_code == 202
    [published] = topic.events
    told: dict[str, Any] = published.model_dump()
    assert (told["url"], told["title"], told["language"]) == ("https://x.example/1", "Source code", "en")
    assert "Größe" in told["body"]


async def test_a_batch_is_answered_article_by_article(api: httpx2.AsyncClient, topic: MemoryTopic) -> None:
    answer = await api.post("/articles", json=[SENT, {"id": "2", "body": 7}, {**SENT, "id": "3"}])
    assert answer.status_code == 202
    told = answer.json()["articles"]
    assert [each["status"] for each in told] == ["published", "rejected", "published"]
    assert told[1]["problem"]["errors"][0]["pointer"] == "#/body"
    assert len(topic.events) == 2


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"id": "1"}, 422, "#/body"),
        ({"id": "1", "body": ""}, 422, "#/body"),
        ({"body": PROSE[0]}, 422, "#/url"),
        ({"url": "javascript:alert(1)", "body": PROSE[0]}, 422, "#/url"),
        ({"id": "1", "body": PROSE[0], "published_at": "soon"}, 422, "#/published_at"),
        ({"id": "1", "body": PROSE[0], "title": 7}, 422, "#/title"),
        ({"id": "1", "body": PROSE[0], "published_at": "2999-01-01"}, 422, None),
        ({"id": "1", "html": "<html><body></body></html>"}, 422, None),
        ("text", 422, None),
        ([], 422, None),
        ([SENT] * 4, 422, None),
    ],
)
async def test_what_is_wrong_with_an_article_is_told_by_field(
    api: httpx2.AsyncClient, topic: MemoryTopic, sent: object, status: int, pointer: str | None
) -> None:
    answer = await api.post("/articles", json=sent)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], bool(told["detail"])) == (status, True)
    assert pointer is None or told["errors"][0]["pointer"] == pointer
    assert topic.events == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[" * 5000, {"Content-Type": "application/json"}, 400),
        (b'{"id": 1' + b"0" * 5000 + b"}", {"Content-Type": "application/json"}, 400),
        (b"%PDF", {"Content-Type": "application/pdf"}, 415),
        (b"text", {}, 415),
        (b" ", {"Content-Type": "text/plain"}, 422),
        (b"text", {"Content-Type": "text/plain", "Idempotency-Key": "k" * 300}, 400),
        (b"x" * 10_001, {"Content-Type": "text/plain"}, 413),
        (b"x", {"Content-Type": "text/plain", "Authorization": ""}, 401),
        (b"x", {"Content-Type": "text/plain", "Authorization": "Bearer wrong"}, 401),
        (b"x", {"Content-Type": "text/plain", "Authorization": f"Basic {TOKEN}"}, 401),
    ],
)
async def test_requests_that_can_not_be_taken_are_refused(
    api: httpx2.AsyncClient, topic: MemoryTopic, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await api.post("/articles", content=body, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert topic.events == []


async def test_a_body_of_undeclared_size_is_read_no_further_than_allowed(api: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    answer = await api.post("/articles", content=endless(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413
    assert sent < 20_000


async def test_a_body_that_does_not_come_is_not_waited_for(api: httpx2.AsyncClient) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    answer = await api.post("/articles", content=silent(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 408


async def test_a_repeated_request_gets_the_same_answer(api: httpx2.AsyncClient, topic: MemoryTopic) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await api.post("/articles", json=SENT, headers=headers)
    again = await api.post("/articles", json=SENT, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await api.post("/articles", json={**SENT, "id": "2"}, headers=headers)
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)
    assert len(topic.events) == 1


async def test_the_key_identifies_an_article_without_url_and_id(api: httpx2.AsyncClient, topic: MemoryTopic) -> None:
    for key in ("a", "b", "a"):
        headers = {"Idempotency-Key": key, "Content-Type": "text/plain"}
        assert (await api.post("/articles", content=PROSE[0], headers=headers)).status_code == 202
    assert len({event.article_id for event in topic.events}) == 2


async def test_without_a_broker_clients_are_told_when_to_come_back_and_nothing_is_half_done(
    api: httpx2.AsyncClient, topic: MemoryTopic
) -> None:
    topic.broken = True
    headers = {"Idempotency-Key": "k"}
    for _ in range(2):
        answer = await api.post("/articles", json=SENT, headers=headers)
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert (await api.get("/readyz")).status_code == 503
        assert (await api.get("/healthz")).status_code == 200
    topic.broken = False
    async with asyncio.timeout(30):
        while (answer := await api.post("/articles", json=SENT, headers=headers)).status_code == 503:
            await asyncio.sleep(0.05)
    assert answer.json()["status"] == "published"


async def test_requests_at_the_same_time_are_all_answered_with_their_own(
    api: httpx2.AsyncClient, topic: MemoryTopic
) -> None:
    answers = await asyncio.gather(
        *(api.post("/articles", json={"id": str(number), "body": f"{number} {PROSE[0]}"}) for number in range(8))
    )
    on_topic = {json.loads(json.dumps(event.article_id)) for event in topic.events}
    assert {answer.json()["article_id"] for answer in answers} == on_topic
    assert len(on_topic) == 8


async def test_only_articles_and_health_are_served(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/articles")).status_code == 405
    assert (await api.get("/")).status_code == 404
