"""PostgreSQL as a child process in a folder of its own, from the binaries of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kafka.apache import HOST, free_port

USER, PASSWORD, DATABASE = "stance", "open-sesame", "postgres"
_INSTALLED = Path("/usr/lib/postgresql")  # where Debian puts them, off the path
_SECONDS = "120"


def missing() -> str | None:
    """What has to be done before PostgreSQL can run here; None: it can."""
    return None if _binaries() else "install PostgreSQL (Debian: apt-get install postgresql)"


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a server in which `USER` logs in with `PASSWORD`; gone with its data at the end."""
    with TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        _give(folder, secret)
        port, data = free_port(), folder / "data"
        _run("initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses={HOST} -p {port} -k {folder} -c fsync=off"
        _run("pg_ctl", "start", "-w", "-t", _SECONDS, "-D", data, "-l", folder / "log", "-o", options)
        try:
            yield f"postgresql://{USER}@{HOST}:{port}/{DATABASE}"
        finally:
            _run("pg_ctl", "stop", "-w", "-t", _SECONDS, "-m", "fast", "-D", data)


def _binaries() -> Path | None:
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(_INSTALLED.glob("*/bin"), reverse=True)
    return next((each for each in found if (each / "pg_ctl").exists()), None)


def _give(*paths: Path) -> None:
    """The server refuses to run as root: Debian's package brings a user for it."""
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "postgres", "postgres")


def _run(program: str, *arguments: str | Path) -> None:
    binaries = _binaries()
    assert binaries is not None, missing()
    other = {"user": "postgres", "group": "postgres", "extra_groups": ()} if os.geteuid() == 0 else {}
    # The server inherits what it writes to; a pipe would be open as long as it runs.
    subprocess.run([binaries / program, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, **other)  # type: ignore[call-overload]
