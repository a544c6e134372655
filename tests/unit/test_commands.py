"""What both services say of their commands."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", ["ingest_service", "stance_service"])
def test_help_lists_every_command(service: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", service, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    modules = (ROOT / service / "commands").glob("[!_]*.py")
    assert {module.stem.replace("_", "-") for module in modules} <= set(told.split())
