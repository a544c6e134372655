"""The compose file is what Compose takes, whatever is set, and keeps secrets outside."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.deployment.test_kubernetes import containers

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+)(:-)?")


def verdict(file: Path) -> subprocess.CompletedProcess[str]:
    """By the schema of the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_takes_it() -> None:
    found = verdict(FILE)
    assert found.returncode == 0, found.stdout


def test_a_field_that_compose_does_not_know_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("stop_grace_period", "stop_grace_periode"))
    assert "stop_grace_periode" in verdict(wrong).stdout


def test_nothing_has_to_be_set() -> None:
    assert [name for name, default in VARIABLE.findall(FILE.read_text()) if not default] == []


def test_what_the_example_of_settings_names_is_a_setting() -> None:
    named = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named - {"COMPOSE_PROFILES"} <= {name for name, _ in VARIABLE.findall(FILE.read_text())}


def test_rules_find_the_secrets_of_channels_where_they_are_on_kubernetes() -> None:
    (on_kubernetes,) = [
        mount["mountPath"]
        for container in containers()
        for mount in container["volumeMounts"]
        if container["name"] == "alert" and mount["name"] == "secrets"
    ]
    volumes = yaml.safe_load(FILE.read_text())["services"]["alert"]["volumes"]
    (secrets,) = [each for each in volumes if isinstance(each, dict)]
    assert secrets["target"] == on_kubernetes
    assert secrets["read_only"]
