"""Ingest while the broker is away, and after being killed at the worst moment: nothing lost, nothing twice."""

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from shared.settings import BrokerSettings
from shared.topics import ARTICLES
from tests.documents import PROSE
from tests.faults.client import rows
from tests.faults.conftest import WAIT_SECONDS, Scene
from tests.faults.proxy import Request
from tests.fetching.server import Reply, WebServer, web_server
from tests.ingest_process import TOKEN, Running, environment, running_ingest

pytestmark = [pytest.mark.faults, pytest.mark.broker]

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
STORIES = 5
PAGE = f"""<html><head><title>Story {{0}}</title></head><body><article><h1>Story {{0}}</h1>
<p>Story {{0}} of many. {" ".join(PROSE * 3)}</p></article></body></html>"""
KILLS = 5
LINES = 600


def published(settings: BrokerSettings) -> list[tuple[str, int]]:
    """Id and revision of all records on the topic."""
    values = [json.loads(row.value or b"") for found in rows(settings, ARTICLES).values() for row in found]
    return [(value["article_id"], value["revision"]) for value in values]


def publish_feed(web: WebServer, stories: int = STORIES) -> str:
    """Serve a feed that is told once: who knows it is told that nothing has changed. Gives the file of sources."""
    items = ""
    for number in range(stories):
        url = web.url(f"/{number}", "127.0.0.1")
        web.routes[f"/{number}"] = Reply(PAGE.format(number).encode())
        items += f"<item><guid>{url}</guid><link>{url}</link><title>Story {number}</title></item>"
    feed = f'<rss version="2.0"><channel><title>Daily</title><link>http://x.example</link>{items}</channel></rss>'
    tag = f'"{stories}"'
    told = Reply(feed.encode(), headers={"ETag": tag})
    web.routes["/rss"] = lambda request: Reply(status=304) if request.headers.get("if-none-match") == tag else told
    url = web.url("/rss", "127.0.0.1")
    return f"""
allow_private: [127.0.0.1]
sources: [{{name: daily, kind: feed, url: "{url}", every: {{least: 1s, most: 1s}}}}]
"""


def own(settings: BrokerSettings, folder: Path) -> BrokerSettings:
    """The same broker, another folder for the state."""
    return settings.model_copy(update={"data_dir": folder, "kafka_timeout_seconds": 5.0})


async def test_killed_between_fetching_and_publishing_it_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    async with web_server() as web:
        sources = publish_feed(web)
        reached, _ = scene.proxy.hold(Request.PRODUCE)
        with running_ingest(own(scene.proxied, tmp_path), tmp_path, sources) as service:
            assert await asyncio.to_thread(reached.wait, WAIT_SECONDS), service.log
            service.kill()
        assert "/rss" in web.paths
        assert published(scene.settings) == []
        with running_ingest(own(scene.settings, tmp_path), tmp_path, sources) as service:
            await until_published(scene.settings, STORIES, service)
            assert await asyncio.to_thread(service.stop) == 0
    found = published(scene.settings)
    assert len(found) == len(set(found)) == STORIES


async def until_published(settings: BrokerSettings, count: int, service: Running) -> None:
    """Returns when so many records are on the topic."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(await asyncio.to_thread(published, settings)) < count:
        assert time.monotonic() < deadline, service.log
        await asyncio.sleep(0.5)


async def test_while_the_broker_is_away_pollers_wait_and_clients_are_told_to_come_back(
    scene: Scene, tmp_path: Path
) -> None:
    sent = {"id": "1", "body": PROSE[0]}
    async with web_server() as web, httpx2.AsyncClient(timeout=WAIT_SECONDS, headers=HEADERS) as client:
        with running_ingest(own(scene.proxied, tmp_path), tmp_path, publish_feed(web)) as service:
            url = await asyncio.to_thread(lambda: service.url)
            await until_published(scene.settings, STORIES, service)
            scene.proxy.cut()
            publish_feed(web, STORIES + 1)
            answer = await client.post(f"{url}/articles", json=sent)
            assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
            assert (await client.get(f"{url}/readyz")).status_code == 503
            assert (await client.get(f"{url}/healthz")).status_code == 200
            scene.proxy.heal()
            deadline = time.monotonic() + WAIT_SECONDS
            while (await client.post(f"{url}/articles", json=sent)).status_code != 202:
                assert time.monotonic() < deadline, service.log
                await asyncio.sleep(0.5)
            await until_published(scene.settings, STORIES + 2, service)
            assert await asyncio.to_thread(service.stop) == 0
    assert len(set(published(scene.settings))) == STORIES + 2


async def test_it_stops_when_asked_to_while_the_broker_is_away(scene: Scene, tmp_path: Path) -> None:
    async with web_server() as web:
        with running_ingest(own(scene.proxied, tmp_path), tmp_path, publish_feed(web)) as service:
            await until_published(scene.settings, STORIES, service)
            scene.proxy.cut()
            async with httpx2.AsyncClient(timeout=WAIT_SECONDS, headers=HEADERS) as client:
                url = await asyncio.to_thread(lambda: service.url)
                await client.post(f"{url}/articles", json={"id": "1", "body": PROSE[0]})
            assert await asyncio.to_thread(service.stop) == 0
            assert "stopped" in service.log


def test_killed_again_and_again_while_adding_it_publishes_everything_once(scene: Scene, tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number), "body": f"{number}. {PROSE[0]}"}) for number in range(LINES)]
    (tmp_path / "lines.jsonl").write_text("\n".join(lines))
    settings = own(scene.settings, tmp_path)
    chance = random.Random(scene.seed)
    command = [sys.executable, "-m", "ingest_service", "add", str(tmp_path / "lines.jsonl")]
    for _ in range(KILLS):
        process = subprocess.Popen(command, env=environment(settings), stderr=subprocess.DEVNULL)
        known = len(published(settings))
        wanted = known + chance.randrange(LINES // KILLS)
        deadline = time.monotonic() + WAIT_SECONDS
        while len(published(settings)) <= wanted and process.poll() is None:
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
    done = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = published(settings)
    assert len(set(found)) == LINES
    assert {revision for _, revision in found} == {1}
    assert len(found) == LINES
