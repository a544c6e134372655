"""An OpenAI-compatible server on a local port, whose model is a function of the test's choosing."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the server sends. `pause`: seconds before each byte of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    hang_up: bool = False


def says(content: str | None, finish: str = "stop", **message: object) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return Reply(body=json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode())


def states(*statements: Mapping[str, object] | str, actors: object = ()) -> Reply:
    """A completion of well-formed statements; what they leave out is filled in."""
    usual = {
        "axis": "openness",
        "polarity": "+1",
        "basis": "stated",
        "alleged_by": None,
        "certainty": "clear",
    }
    stated = [s if isinstance(s, str) else usual | dict(s) for s in statements]
    return says(json.dumps({"actors": actors or [], "statements": stated}))


def refuses(status: int, message: str = "no", **headers: str) -> Reply:
    """An error as OpenAI writes it."""
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), headers)


def article_in(request: Request) -> str:
    """What the request shows of the article."""
    lines = str(request["messages"][-1]["content"]).split("\n")
    return "\n".join(lines[1 : lines.index(lines[0], 1)])


def annotator(request: Request) -> Reply:
    """A model that does as it is told: every sentence with a capitalised word is a statement of its first one."""
    found = []
    for sentence in re.findall(r"[^.!?\n]+[.!?]?", article_in(request).partition("\n\n")[2]):
        names = re.findall(r"\b[A-Z][a-z]+\b", sentence)
        if names and len(sentence.strip()) >= 8:
            alleged = len(names) > 2
            found.append(
                {
                    "actor": names[0],
                    "axis": "profit" if len(sentence) % 2 else "openness",
                    "polarity": "+1" if len(sentence) % 3 else "-1",
                    "basis": "alleged" if alleged else "stated",
                    "alleged_by": names[1] if alleged else None,
                    "evidence": sentence.strip()[:700],
                }
            )
    return states(*found)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: "ChatServer"

    def handle_error(self, *_: object) -> None:
        """A client that gave up is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        owner = self.server.owner
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner.requests.append(request)
        owner.headers.append(dict(self.headers))
        found = self.path == "/v1/chat/completions"
        self.reply(owner.model(request) if found else refuses(404, "no such path"))

    def reply(self, reply: Reply) -> None:
        if reply.hang_up:
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        for byte in reply.body if reply.pause else ():
            time.sleep(reply.pause)
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
        if not reply.pause:
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class ChatServer:
    """Answers by `model(request)`; `requests` and `headers` keep what was asked."""

    def __init__(self, model: Callable[[Request], Reply]) -> None:
        self.model = model
        self.requests: list[Request] = []
        self.headers: list[Mapping[str, str]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(model: Callable[[Request], Reply]) -> Iterator[ChatServer]:
    """A server for the time of the block."""
    server = ChatServer(model)
    try:
        yield server
    finally:
        server.close()


def in_turn(*replies: Reply | Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A model that gives these replies, the last one for ever."""
    waiting = list(replies)

    def model(request: Request) -> Reply:
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return reply(request) if callable(reply) else reply

    return model
