"""The container engine's command line, and a compose project of its own for a test."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kafka.apache import free_port

ROOT = Path(__file__).parents[2]
BUILDS = not os.environ.get("STANCE_TEST_NO_BUILD")
BUILD_SECONDS = 3600
STEP_SECONDS = 600


def missing() -> str | None:
    """What has to be done before containers can run here; None: they can."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            found = subprocess.run(command, capture_output=True, check=False, timeout=60)
        except FileNotFoundError:
            return "install docker and its compose plugin"
        if found.returncode:
            return f"`{' '.join(command)}` fails: {found.stderr.decode(errors='replace').strip()[-200:]}"
    return None


def docker(*arguments: str, seconds: float = STEP_SECONDS, environment: Mapping[str, str] | None = None) -> str:
    """What a command writes to standard output; raises with what it wrote to standard error."""
    ended = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=ROOT,
        env=os.environ | dict(environment or {}),
    )
    assert ended.returncode == 0, f"docker {' '.join(arguments)}: {ended.stderr[-4000:]}"
    return ended.stdout


@dataclass(frozen=True)
class Project:
    """A compose project, on free ports."""

    name: str
    kafka_port: int = field(default_factory=free_port)
    ingest_port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)

    def compose(self, *arguments: str, seconds: float = STEP_SECONDS) -> str:
        """Of the compose file in the root of the project."""
        ports = {
            "KAFKA_PORT": str(self.kafka_port),
            "INGEST_PORT": str(self.ingest_port),
            "API_PORT": str(self.api_port),
        }
        return docker("compose", "--project-name", self.name, *arguments, seconds=seconds, environment=ports)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """As the engine describes them, stopped ones as well."""
        found = self.compose("ps", "--all", "--quiet", service).split()
        return list(json.loads(docker("inspect", *found))) if found else []

    def image(self, service: str) -> dict[str, Any]:
        """The image that a service runs."""
        name = self.containers(service)[0]["Image"]
        return dict(json.loads(docker("image", "inspect", name))[0])


@contextmanager
def up(name: str) -> Iterator[Project]:
    """Built and started from nothing, all of it healthy; taken down with its volumes at the end."""
    project = Project(name)
    try:
        if BUILDS:
            project.compose("build", "ingest", "topics", seconds=BUILD_SECONDS)
        project.compose("up", "--detach", "--no-build", "--wait", "--quiet-pull")
        yield project
    finally:
        project.compose("down", "--volumes", "--timeout", "10")
