"""What orchestrators and Prometheus ask a running process: does it progress, may it be given work, what has it done.

`GET /healthz` fails when a loop no longer comes round: restart the process. `GET /readyz` also fails while something
that it needs is missing: wait. `GET /metrics` is for Prometheus. None of them says anything of articles or secrets.
"""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from shared.errors import PermanentError
from shared.settings import HealthSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROBE_SECONDS: Final = 5.0
LIVE: Final = "/healthz"
READY: Final = "/readyz"
PROBED: Final = (LIVE, READY)
_CLIENT_SECONDS: Final = 10.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104

Check = Callable[[], str | None]
"""Says what is wrong; None if nothing is."""

_log = logging.getLogger(__name__)


class Progress:
    """A loop that has to come round: it calls `beat`, and counts as dead when the last one is too long ago.

    The limit has to be longer than the longest step between two beats. Safe between threads.
    """

    def __init__(self, name: str, limit_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._limit = limit_seconds
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """The loop has come round."""
        self._last = self._clock()

    def age(self) -> float:
        """Seconds since the last beat, or since the beginning."""
        return self._clock() - self._last

    def alive(self) -> bool:
        """Whether the loop still comes round."""
        return self.age() <= self._limit

    def __call__(self) -> str | None:
        """As a `Check`."""
        return (
            None
            if self.alive()
            else f"{self._name} made no progress for {self.age():.0f} s; {self._limit:.0f} s are allowed"
        )


class Readiness:
    """What a process still waits for before it can work; it starts out waiting. Safe between threads."""

    def __init__(self, missing: str) -> None:
        self.missing: str | None = missing
        """What it waits for; None once it can work. Set it whenever that changes."""

    def __call__(self) -> str | None:
        """As a `Check`."""
        return self.missing


@dataclass(frozen=True)
class Checks:
    """By name. A process with a failing `live` check should be restarted, with a failing `ready` one be left alone."""

    live: Mapping[str, Check] = field(default_factory=dict)
    ready: Mapping[str, Check] = field(default_factory=dict)

    def told(self, path: str) -> tuple[bool, dict[str, object]]:
        """Whether all is well, and the answer to who asks at one of `PROBED`."""
        checks = {**self.live, **self.ready} if path == READY else self.live
        problems = {name: check() for name, check in checks.items()}
        well = not any(problems.values())
        return well, {"ok": well, "checks": {name: problem or "ok" for name, problem in problems.items()}}


@contextmanager
def serving_health(settings: HealthSettings, checks: Checks) -> Iterator[str | None]:
    """Answer in a thread of its own until the end of the block; gives the address, None if no port is set."""
    if settings.health_port is None:
        yield None
        return
    try:
        server = _Server(settings.health_host, settings.health_port, _application(checks))
    except OSError as error:
        raise PermanentError(
            f"STANCE_HEALTH_HOST={settings.health_host} STANCE_HEALTH_PORT={settings.health_port}: can't listen there: "
            f"{error.strerror or error}. Set a free port for each process, or none to switch its health address off."
        ) from error
    with server:
        Thread(target=server.serve_forever, name="health", daemon=True).start()
        address = f"http://{_netloc(settings.health_host)}:{server.server_port}"
        _log.info("health and metrics at %s", address)
        try:
            yield address
        finally:
            server.shutdown()


def probe(settings: HealthSettings, *, ready: bool = False) -> None:
    """Ask the process with these settings; raises PermanentError unless it says that it is alive (or ready)."""
    if settings.health_port is None:
        raise PermanentError("STANCE_HEALTH_PORT is not set, so there is no health address to ask")
    host, path = _EVERYWHERE.get(settings.health_host, settings.health_host), READY if ready else LIVE
    connection = HTTPConnection(host, settings.health_port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise PermanentError(f"nothing answers at {host}:{settings.health_port}{path}: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise PermanentError(said)


def _application(checks: Checks) -> "WSGIApplication":
    metrics = make_wsgi_app()

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path not in PROBED:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"see /healthz, /readyz, /metrics\n"]
        well, told = checks.told(path)
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(told).encode() + b"\n"]

    return application


class _Handler(WSGIRequestHandler):
    timeout = _CLIENT_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Probes come every few seconds: say nothing of them."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, application: "WSGIApplication") -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(application)


def _netloc(host: str) -> str:
    return f"[{host}]" if ":" in host else host
