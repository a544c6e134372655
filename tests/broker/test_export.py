"""`stance-service export`, from a real broker to a file."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import BrokerSettings
from tests.broker.test_feed import track_all
from tests.broker.topic_io import publish
from tests.ingest_process import environment
from tests.stances import observation

pytestmark = pytest.mark.broker


def exported(settings: BrokerSettings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stance_service", "export", *arguments],
        env=environment(settings, STANCE_DATA_DIR=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_was_tracked_is_written_to_a_file(kafka: BrokerSettings, tmp_path: Path) -> None:
    publish(kafka, [observation(-1, "2016-05", article="old"), observation(+1), observation(actor="meta")])
    track_all(kafka)
    out = tmp_path / "positions.csv"
    ended = exported(kafka, tmp_path, "positions", "--actor", "OpenAI", "--as-of", "2017-01-01", "--out", str(out))
    assert (ended.returncode, ended.stdout) == (0, f"1 positions in {out}\n"), ended.stderr
    with out.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["actor"], row["polarity"], row["held_from"]) == ("openai", "-1", "2016-05-16T00:00:00Z")
    assert exported(kafka, tmp_path, "changes", "--out", str(tmp_path)).returncode == 1
    nobody = exported(kafka, tmp_path, "positions", "--actor", "nobody", "--out", str(tmp_path / "nobody.csv"))
    assert (nobody.returncode, "nothing is known of nobody" in nobody.stderr) == (1, True), nobody.stderr
    assert not (tmp_path / "nobody.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["positions", "--format", "graphml"], "--format graphml: positions are written as csv, jsonl, parquet"),
        (["changes", "--axis", "height"], "--axis height is none of openness, profit"),
        (["changes", "--as-of", "soon"], "--as-of 'soon' is neither a date"),
        (["changes", "--known-at", "2999-01-01"], "--known-at 2999-01-01 lies in the future"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, arguments: list[str], said: str) -> None:
    settings = BrokerSettings(data_dir=tmp_path)
    ended = exported(settings, tmp_path, *arguments, "--out", str(tmp_path / "out"))
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
