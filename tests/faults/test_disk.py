"""The broker's disk is full."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.broker import create_topics
from shared.settings import BrokerSettings
from shared.topics import TOPICS
from tests.faults.conftest import WAIT_SECONDS
from tests.faults.load import Load
from tests.faults.verdict import verify
from tests.faults.workers import Crew
from tests.kafka.apache import ApacheKafka
from tests.kafka.choice import untested

pytestmark = [pytest.mark.faults, pytest.mark.broker]

DISK_BYTES = 64 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        reason = f"run as root, which may mount a small file system to fill ({mounted.stderr.strip()})"
        untested.append(reason)
        pytest.skip(f"a full disk was not tested: {reason}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return filler
    return filler


def test_a_full_disk_stops_the_tracker_and_loses_nothing(
    disk: Path, tmp_path: Path, seed: int, kafka_jars: None
) -> None:
    with ApacheKafka(tmp_path / "kafka", overrides={"log.dirs": str(disk / "data")}) as kafka:
        settings = BrokerSettings(kafka_bootstrap_servers=kafka.address, kafka_topic_prefix=f"t{uuid4().hex[:8]}.")
        create_topics(settings, TOPICS)
        with Crew(settings, tmp_path) as crew, Load(settings, seed) as load:
            crew.start("w0")
            crew.wait_for_progress()
            filler = fill(disk)
            assert kafka.wait_for_exit(WAIT_SECONDS), "the broker does not mind the full disk"
            assert "No space left on device" in kafka.log.read_text(errors="replace")
            filler.unlink()
            kafka.start()
            crew.wait_for_progress()
            sent = load.stop()
            crew.settle()
        verify(settings, sent, f"seed {seed}, {sent} observations")
