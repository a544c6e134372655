"""`stance-service serve` in a process of its own, read by real HTTP clients."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from shared.settings import BrokerSettings
from tests.alerting.changes import change
from tests.broker.test_alert import announce
from tests.broker.topic_io import DEADLINE
from tests.ingest_process import Running, environment

pytestmark = pytest.mark.broker
DOCS = Path(__file__).parents[2] / "docs"


class Stream:
    """What a browser's EventSource makes of a stream: events with data, and the id to resume with."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.last_id = ""
        self._lines = lines

    def blocks(self) -> Iterator[list[str]]:
        """The lines up to each empty one."""
        block: list[str] = []
        for line in self._lines:
            if line:
                block.append(line)
            else:
                self.last_id = next((each[4:] for each in block if each.startswith("id: ")), self.last_id)
                yield block
                block = []

    def next(self) -> str:
        """The id of the next change."""
        for block in self.blocks():
            data = [each[6:] for each in block if each.startswith("data: ")]
            if data:
                found: str = json.loads(data[0])["id"]
                return found
        raise EOFError("the stream has ended")


@contextmanager
def serving(settings: BrokerSettings, folder: Path, **more: str) -> Iterator[tuple[Running, str]]:
    """The process and its address; it has to end well."""
    log = folder / "serve.log"
    variables = environment(settings, **{"STANCE_API_PORT": "0"} | more)
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "stance_service", "serve"], env=variables, stderr=out)
    running = Running(process, log)
    try:
        yield running, running.said(r"stance changes at (\S+)/changes/stream")[1]
        if process.poll() is None:
            assert running.stop() == 0, running.log
    finally:
        if process.poll() is None:
            running.kill()


@contextmanager
def streamed(url: str, query: str = "", **headers: str) -> Iterator[Stream]:
    with httpx2.stream("GET", f"{url}/changes/stream{query}", headers=headers, timeout=DEADLINE) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.iter_lines())


def test_a_stream_is_resumed_exactly_where_it_was_left(kafka: BrokerSettings, tmp_path: Path) -> None:
    actors = ("openai", "meta", "google", "mistral-ai", "elon-musk", "openai")
    told = [change(str(number), actor=actor) for number, actor in enumerate(actors)]
    announce(kafka, *told)
    with serving(kafka, tmp_path, STANCE_API_HEARTBEAT_SECONDS="0.2") as (_, url):
        with streamed(url, "?after=beginning") as stream:
            first = [stream.next() for _ in range(3)]
        with streamed(url, "?after=beginning", **{"Last-Event-ID": stream.last_id}) as stream:
            rest = [stream.next() for _ in range(3)]
            announce(kafka, change("live"))
            assert stream.next() == change("live").id
        assert sorted(first + rest) == sorted(each.id for each in told)
        with streamed(url, "?actor=openai&kind=shift&after=beginning") as stream:
            assert [stream.next() for _ in range(3)] == [told[0].id, told[5].id, change("live").id]
            announce(kafka, change("unwanted", actor="meta"))
            before = stream.last_id
            quiet = next(block for block in stream.blocks() if stream.last_id != before)
            assert quiet[0] == ": nothing new", "a place is told even if nothing is wanted there"


def test_curl_reads_it_and_a_stop_ends_it(kafka: BrokerSettings, tmp_path: Path) -> None:
    announce(kafka, change("first"))
    with serving(kafka, tmp_path) as (running, url):
        curl = subprocess.Popen(
            ["curl", "-sN", f"{url}/changes/stream?after=beginning"], stdout=subprocess.PIPE, text=True
        )
        assert curl.stdout is not None
        stream = Stream(line.rstrip("\n") for line in curl.stdout)
        assert stream.next() == change("first").id
        running.process.send_signal(signal.SIGTERM)
        with pytest.raises(EOFError):
            stream.next()
        assert curl.wait(DEADLINE) == 0, "the answer was complete"
        assert running.process.wait(DEADLINE) == 0


def test_a_client_that_reads_nothing_is_disconnected_and_holds_up_no_other(
    kafka: BrokerSettings, tmp_path: Path
) -> None:
    long = change().causes[0].model_copy(update={"evidence": "x" * 400_000})
    with serving(kafka, tmp_path, STANCE_API_ROOM="50") as (running, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.socket() as stuck, streamed(url) as stream:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect((host, int(port)))
            stuck.sendall(b"GET /changes/stream HTTP/1.1\r\nHost: here\r\n\r\n")
            assert stuck.recv(15) == b"HTTP/1.1 200 OK"
            for number in range(0, 100, 10):
                told = [change(str(number + each), causes=(long,)) for each in range(10)]
                announce(kafka, *told)
                assert [stream.next() for _ in told] == [each.id for each in told]
            running.said("a client that is 50 changes behind is disconnected")


def test_what_can_not_be_answered_is_named(kafka: BrokerSettings, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    settings = {"STANCE_API_TOKEN_FILE": str(tmp_path / "token"), "STANCE_API_ORIGINS": "https://here.example"}
    with serving(kafka, tmp_path, **settings) as (_, url), httpx2.Client(base_url=url) as client:
        refused = client.get("/changes/stream", headers={"Authorization": "Bearer wrong"})
        assert (refused.status_code, "STANCE_API_TOKEN" in refused.json()["detail"]) == (401, True)
        client.headers["Authorization"] = "Bearer s3cret"
        for query, status, said in [
            ("?actors=openai", 400, "actors: is no filter; allowed are actor, tag, axis, kind"),
            ("?kind=turn", 400, "kind: there is no 'turn'; allowed are established, revision, shift"),
            ("?axis=height", 400, "axis: there is no 'height'; allowed are openness, profit"),
            ("?after=soon", 400, "'soon' is no id of an event of this stream"),
            ("?after=9-9-9-9-9-9", 400, "lies beyond the last change"),
        ]:
            answer = client.get(f"/changes/stream{query}")
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
        assert client.get("/asyncapi.json").text == (DOCS / "asyncapi.json").read_text()
        schema = client.get("/schemas/stance.changes.v1.json", headers={"Origin": "https://here.example"})
        assert schema.text == (DOCS / "schemas" / "stance.changes.v1.json").read_text()
        assert schema.headers["access-control-allow-origin"] == "https://here.example"
        port = url.rsplit(":", 1)[1]
        taken = subprocess.run(
            [sys.executable, "-m", "stance_service", "serve"],
            env=environment(kafka, STANCE_API_PORT=port),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        assert (taken.returncode, f"STANCE_API_PORT={port}: can't listen there" in taken.stderr) == (1, True)
