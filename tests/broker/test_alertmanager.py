"""A stance change becomes an alert in a real Prometheus Alertmanager."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.settings import BrokerSettings
from tests.alerting.changes import change
from tests.alerting.test_channels import free_port
from tests.broker.test_alert import announce, worker
from tests.broker.topic_io import DEADLINE

pytestmark = pytest.mark.broker
NAME = "prometheus-alertmanager"
UNPACKED = Path(__file__).parents[2] / "build" / "alertmanager" / "usr"
# Debian's looks for its templates in /usr/share: it gets the unpacked ones there, in a name space of its own.
IN_PLACE = f'mount --bind "$0/share" /usr/share && exec "$0/bin/{NAME}" "$@"'
CONFIGURATION = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
RULES = """
channels:
  pager: {{kind: alertmanager, url: "{url}"}}
rules:
  - {{name: turns, kinds: [shift], channels: [pager]}}
"""


@asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of one that answers."""
    program = [shutil.which(NAME) or ""]
    if not program[0]:
        if not UNPACKED.exists():
            pytest.skip("there is no prometheus-alertmanager here: `make alertmanager` unpacks Debian's")
        program = ["unshare", "--map-root-user", "--mount", "sh", "-c", IN_PLACE, str(UNPACKED)]
    (folder / "alertmanager.yml").write_text(CONFIGURATION)
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        *program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://{address}") as client, asyncio.timeout(DEADLINE):
            while not await is_ready(client):
                assert process.returncode is None, "it has ended"
                await asyncio.sleep(0.1)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def test_a_change_is_shown_by_a_real_alertmanager(kafka: BrokerSettings, tmp_path: Path) -> None:
    settings, told = kafka.model_copy(update={"data_dir": tmp_path}), change("turn")
    announce(settings, change("unwanted", "established"), told)
    async with alertmanager(tmp_path) as client, worker(settings, RULES.format(url=client.base_url)):
        alerts: list[dict[str, Any]] = []
        while not alerts:
            await asyncio.sleep(0.1)
            alerts = (await client.get("/api/v2/alerts")).json()
    (alert,) = alerts
    assert alert["labels"] == {
        "alertname": "StanceChange",
        "rule": "turns",
        "actor": told.actor,
        "axis": told.axis,
        "kind": "shift",
        "change": told.id,
    }
    assert alert["status"]["state"] == "active"
    assert "openai, openness" in alert["annotations"]["summary"]
    assert told.causes[0].evidence[:40] in alert["annotations"]["description"]
