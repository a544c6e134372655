"""The stream of stance changes as a real browser's EventSource reads it, from a page of another origin."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from shared.settings import BrokerSettings
from tests.alerting.changes import change
from tests.alerting.test_channels import free_port
from tests.broker.test_alert import announce
from tests.broker.test_serve import serving
from tests.broker.topic_io import DEADLINE

pytestmark = pytest.mark.broker
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--headless=new", "--no-first-run", "--disable-gpu", "--disable-background-networking")
PAGE = """<!doctype html><script>
const tell = (what) => fetch("/told", {method: "POST", body: what, keepalive: true});
const changes = new EventSource(location.hash.slice(1));
changes.onopen = () => tell("open");
changes.onerror = () => tell(changes.readyState === EventSource.CLOSED ? "refused" : "lost");
changes.onmessage = (message) => tell(JSON.parse(message.data).id);
</script>"""


class Site(ThreadingHTTPServer):
    """The page, and what it has told so far."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.told: list[str] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def until(self, true: Callable[[list[str]], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not true(self.told):
            assert time.monotonic() < deadline, self.told
            time.sleep(0.05)


class _Answers(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self._answer(PAGE.encode() if self.path == "/" else b"")

    def do_POST(self) -> None:
        self.server.told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(b"")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


@contextmanager
def browsing(site: Site, stream: str, folder: Path) -> Iterator[None]:
    """A browser that shows the page, whose script reads the stream."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    # Its own sandbox needs rights that containers lack; the page is ours.
    command = [program, *QUIET, "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder / 'browser'}"]
    with (folder / "browser.log").open("wb") as log:
        browser = subprocess.Popen([*command, f"{site.origin}/#{stream}"], stdout=log, stderr=log)
    try:
        yield
    finally:
        browser.terminate()
        browser.wait(DEADLINE)


def test_a_browser_reads_changes_and_resumes_after_the_server_was_away(
    kafka: BrokerSettings, tmp_path: Path, site: Site
) -> None:
    first, missed, live = change("first"), change("missed", actor="meta"), change("live")
    port = str(free_port())
    settings = {"STANCE_API_PORT": port, "STANCE_API_ORIGINS": site.origin}
    announce(kafka, first)
    with browsing(site, f"http://127.0.0.1:{port}/changes/stream?after=beginning", tmp_path):
        with serving(kafka, tmp_path, **settings):
            site.until(lambda told: first.id in told)
        site.until(lambda told: told[-1] == "lost")
        announce(kafka, missed)
        with serving(kafka, tmp_path, **settings):
            site.until(lambda told: missed.id in told)
            announce(kafka, live)
            site.until(lambda told: live.id in told)
    assert [each for each in site.told if len(each) == len(first.id)] == [first.id, missed.id, live.id]


def test_a_page_of_an_origin_that_is_not_named_reads_nothing(kafka: BrokerSettings, tmp_path: Path, site: Site) -> None:
    announce(kafka, change("first"))
    with (
        serving(kafka, tmp_path, STANCE_API_ORIGINS="https://other.example") as (_, url),
        browsing(site, f"{url}/changes/stream?after=beginning", tmp_path),
    ):
        site.until(bool)
    assert site.told == ["refused"]
