"""The embedded Kafka broker: one for each data folder, shared by all processes that use the folder.

Locks, all in the folder, all released by the system when their holder dies:
`start.lock` is held while looking for a broker or starting one, `owner.lock` by the supervisor for its lifetime,
`users.lock` shared by every user; once the supervisor gets it exclusively nobody uses the broker and it stops.
A short command therefore never takes the broker away from a service that joined it.
"""

import ctypes
import fcntl
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NoReturn

from shared.errors import BrokerUnavailableError

START_SECONDS = 30.0
STOP_SECONDS = 30.0
HOST = "127.0.0.1"


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """The address of the folder's broker, started if none runs; the last user out stops it, data saved.

    Raises BrokerUnavailableError if it can't start.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users.lock").open("a")
    except OSError as error:
        raise _unavailable(folder, str(error)) from error
    with users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with _locked(folder / "start.lock"):
            supervisor = None if _owned(folder) else _start(folder)
        try:
            yield f"{HOST}:{_discovered(folder)['port']}"
        finally:
            _leave(folder, users)
            if supervisor is not None and not _owned(folder):
                supervisor.wait(STOP_SECONDS)


def stop(folder: Path) -> None:
    """Stop the folder's broker, whoever uses it; its data is saved. Does nothing if none runs."""
    folder = folder.resolve()
    try:
        os.kill(_discovered(folder)["pid"], signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _owned(folder):
        if time.monotonic() > deadline:
            raise _unavailable(folder, f"it did not stop within {STOP_SECONDS:.0f} s")
        time.sleep(0.02)


def _leave(folder: Path, users: IO[str]) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(users, fcntl.LOCK_SH)  # others use it, or it is just stopping: then this waits for the end
    else:
        stop(folder)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "broker.json").unlink(missing_ok=True)
    with (folder / "broker.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "shared.embedded", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the commands; they still need the broker to finish
        )
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "broker.json").exists():
        if supervisor.poll() is not None or time.monotonic() > deadline:
            supervisor.kill()
            supervisor.wait()
            raise _unavailable(folder, _log_tail(folder))
        time.sleep(0.02)
    return supervisor


def _supervise(folder: Path) -> None:
    """Run the broker until nobody uses it, it dies, or SIGTERM comes."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    with (folder / "owner.lock").open("a") as owner, (folder / "users.lock").open("a") as users:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process, port = _run(folder)
        try:
            signal.signal(signal.SIGCHLD, _exit_on_signal)
            if process.poll() is None:
                _announce(folder, port)
                fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            (folder / "broker.json").unlink(missing_ok=True)
            _end(process)


def _run(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the broker itself on a free port; another process may take the port first, so try again."""
    binary = _binary()
    for _ in range(3):
        port = _free_port()
        process = subprocess.Popen(
            [binary, "start", "--only", "kafka", "--kafka-port", str(port), "--data-dir", str(folder)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # the supervisor has one thread
        )
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _listens(port):
                return process, port
            time.sleep(0.02)
        _end(process)
    sys.exit("the broker does not listen")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _announce(folder: Path, port: int) -> None:
    draft = folder / "broker.json.new"
    draft.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    draft.replace(folder / "broker.json")


def _discovered(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "broker.json").read_text())
    return found


def _owned(folder: Path) -> bool:
    with (folder / "owner.lock").open("a") as owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _binary() -> str:
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        sys.exit("the package noida-db is not installed")
    return str(Path(spec.origin).with_name("noida-db"))


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _log_tail(folder: Path) -> str:
    lines = (folder / "broker.log").read_text(errors="replace").splitlines()
    said = [line for line in lines if line.strip() and "GLIBC" not in line]
    return " / ".join(said[-3:]) or "it said nothing"


def _unavailable(folder: Path, reason: str) -> BrokerUnavailableError:
    return BrokerUnavailableError(
        f"the embedded broker in {folder} failed: {reason}. Choose another folder with STANCE_DATA_DIR, "
        "or a running Kafka with STANCE_KAFKA_BOOTSTRAP_SERVERS."
    )


def _exit_on_signal(signum: int, _frame: object) -> NoReturn:
    sys.exit(0 if signum == signal.SIGTERM else "the broker ended by itself")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


if __name__ == "__main__":
    _supervise(Path(sys.argv[1]))
