"""The ingest service as it runs: sources, the endpoint, and being stopped."""

import asyncio
import json
import socket
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from ingest_service.build import open_state
from ingest_service.exit_status import REFUSED
from shared.broker import running
from shared.settings import BrokerSettings
from tests.broker.test_ingest import on_topic
from tests.documents import PROSE
from tests.faults.proxy import Proxy
from tests.fetching.server import Reply, Request, web_server
from tests.ingest_process import SECONDS, TOKEN, Running, ingest, running_ingest
from tests.kafka.apache import HOST

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Daily</title><link>{url}</link>
<item><guid>{url}</guid><link>{url}</link><title>Story</title></item></channel></rss>"""
PAGE = f"""<html><head><title>Story</title></head><body><article><h1>Story</h1>
<p>{" ".join(PROSE * 4)}</p></article></body></html>"""


@pytest.fixture
def own(tmp_path: Path) -> BrokerSettings:
    """An embedded broker that the service starts itself."""
    return BrokerSettings(kafka_bootstrap_servers="", data_dir=tmp_path / "data")


def ready(service: Running) -> str:
    """Its address, once it can work."""
    url = service.url
    while httpx2.get(f"{url}/readyz", timeout=SECONDS).status_code != 200:
        assert service.process.poll() is None, service.log
        time.sleep(0.1)
    return url


async def test_sources_are_polled_and_articles_taken_and_a_restart_goes_on(
    kafka: BrokerSettings, tmp_path: Path
) -> None:
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories" / "a.txt").write_text(PROSE[0])
    settings = kafka.model_copy(update={"data_dir": tmp_path / "data"})
    async with web_server() as web:
        feed = Reply(FEED.format(url=web.url("/story", "127.0.0.1")).encode(), headers={"ETag": '"1"'})
        web.routes["/rss"] = lambda request: Reply(status=304) if request.conditional else feed
        web.routes["/story"] = Reply(PAGE.encode())
        sources = f"""
allow_private: [127.0.0.1]
sources:
- {{name: daily, kind: feed, url: "{web.url("/rss", "127.0.0.1")}", every: {{least: 1s, most: 2s}}}}
- {{name: stories, kind: files, path: stories, every: {{least: 1s, most: 1s}}}}
- {{name: down, kind: feed, url: "http://127.0.0.1:1/rss", every: {{least: 1s, most: 1s}}}}
"""
        for _ in range(2):
            asked = len(web.requests)
            with running_ingest(settings, tmp_path, sources) as service:
                url = await asyncio.to_thread(ready, service)
                await asyncio.to_thread(service.said, "source down failed")
                sent = {"id": "1", "body": PROSE[1]}
                answer = await asyncio.to_thread(
                    httpx2.post, f"{url}/articles", json=sent, headers=HEADERS, timeout=SECONDS
                )
                assert answer.status_code == 202
                await asyncio.to_thread(until_conditional, web.requests, asked)
                assert await asyncio.to_thread(service.stop) == 0
    found = await asyncio.to_thread(on_topic, kafka, 3)
    assert {one.source for one in found} == {"daily", "stories", "submitted"}
    told = ingest(settings, "sources", "--sources", tmp_path / "sources.yaml")
    assert (told.returncode, "never" in told.stdout, "127.0.0.1:1" in told.stdout) == (0, True, True), told


def until_conditional(requests: list[Request], asked: int) -> None:
    """Returns when what is known has been asked for."""
    deadline = time.monotonic() + SECONDS
    while not any(request.conditional for request in requests[asked:]):
        assert time.monotonic() < deadline, requests
        time.sleep(0.05)


def test_the_file_of_sources_is_followed_and_a_broken_edit_told(own: BrokerSettings, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name}: {PROSE[0]}")
    entry = "- {{name: {0}, kind: files, path: {0}.txt, every: {{least: 1s, most: 1s}}}}\n"
    with running_ingest(own, tmp_path, "sources:\n" + entry.format("a")) as service:
        ready(service)
        edited = tmp_path / "sources.yaml"
        edited.write_text("sources:\n- {name: a, kind: fils, path: a.txt}\n")
        service.said(r"the sources stay as they were: .*sources\.yaml:2: .*'files'")
        edited.write_text("sources:\n" + entry.format("a") + entry.format("b"))
        service.said("2 sources")
        until_polled(own, "b")
        assert service.stop() == 0


def until_polled(settings: BrokerSettings, source: str) -> None:
    """Returns when a round of the source is on record."""
    deadline = time.monotonic() + SECONDS
    with closing(open_state(settings)) as state:
        while not any(poll.error is None for poll in state.rounds(source)):
            assert time.monotonic() < deadline, state.rounds(source)
            time.sleep(0.1)


def test_hostile_clients_are_cut_off_and_others_served(own: BrokerSettings, tmp_path: Path) -> None:
    with running_ingest(own, tmp_path, STANCE_INGEST_API_READ_SECONDS="1") as service:
        url = ready(service)
        port = int(url.rpartition(":")[2])
        token = f"Authorization: Bearer {TOKEN}\r\n"
        huge = (
            f"POST /articles HTTP/1.1\r\nHost: x\r\n{token}Content-Type: text/plain\r\nContent-Length: {10**9}\r\n\r\n"
        )
        slow = f"POST /articles HTTP/1.1\r\nHost: x\r\n{token}Content-Type: text/plain\r\nContent-Length: 10\r\n\r\nx"
        expected = {"": b"", "POST /articles HT": b"", huge: b"413", slow: b"408", "nonsense\r\n\r\n": b"400"}
        connections = [(socket.create_connection(("127.0.0.1", port), 60), sent) for sent in expected]
        for connection, sent in connections:
            connection.sendall(sent.encode())
        for connection, sent in connections:
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))  # noqa: B023
            assert expected[sent] in answer[:12], (sent, answer)
            connection.close()
        taken = httpx2.post(f"{url}/articles", json={"id": "1", "body": PROSE[0]}, headers=HEADERS, timeout=SECONDS)
        assert taken.status_code == 202
        assert service.stop() == 0


def test_a_service_that_starts_before_its_broker_waits_for_it(kafka: BrokerSettings, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PROSE[0])
    sources = "sources: [{name: a, kind: files, path: a.txt, every: {least: 1s, most: 1s}}]"
    with Proxy(int(kafka.kafka_bootstrap_servers.rpartition(":")[2])) as proxy:
        proxy.cut()
        settings = kafka.model_copy(
            update={"kafka_bootstrap_servers": f"{HOST}:{proxy.port}", "data_dir": tmp_path / "data"}
        )
        with running_ingest(settings, tmp_path, sources) as service:
            service.said(f"Kafka at {HOST}:{proxy.port} does not answer: .* STANCE_KAFKA_BOOTSTRAP_SERVERS")
            sent = {"id": "1", "body": PROSE[1]}
            answer = httpx2.post(f"{service.url}/articles", json=sent, headers=HEADERS, timeout=SECONDS)
            assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
            assert httpx2.get(f"{service.url}/readyz", timeout=SECONDS).status_code == 503
            assert httpx2.get(f"{service.url}/healthz", timeout=SECONDS).status_code == 200
            proxy.heal()
            url = ready(service)
            assert httpx2.post(f"{url}/articles", json=sent, headers=HEADERS, timeout=SECONDS).status_code == 202
            until_polled(settings, "a")
            assert service.stop() == 0
    assert {one.source for one in on_topic(kafka, 2)} == {"a", "submitted"}


def test_what_waiting_for_the_broker_cannot_mend_ends_the_service(own: BrokerSettings, tmp_path: Path) -> None:
    with running(own) as kafka, running_ingest(kafka, tmp_path, STANCE_KAFKA_PARTITIONS="7") as service:
        assert service.process.wait(SECONDS) == REFUSED
        assert "has 6 partitions and must have 7" in service.log


def test_what_would_be_published_is_shown_and_not_published(own: BrokerSettings, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PROSE[0])
    (tmp_path / "sources.yaml").write_text("sources: [{name: a, kind: files, path: a.txt}]")
    for _ in range(2):
        done = ingest(own, "check", "a", "--sources", tmp_path / "sources.yaml")
        told = json.loads(done.stdout)
        assert (done.returncode, told["status"], told["event"]["body"]) == (0, "published", PROSE[0])


def test_a_service_with_nothing_to_do_or_a_guessable_token_says_so(own: BrokerSettings, tmp_path: Path) -> None:
    assert "STANCE_INGEST_SOURCES" in ingest(own, "run").stderr
    short = {"STANCE_INGEST_API_PORT": "0", "STANCE_INGEST_API_TOKEN": "secret"}
    assert "STANCE_INGEST_API_TOKEN" in ingest(own, "run", **short).stderr
    assert not own.data_dir.exists()
