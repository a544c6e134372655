"""What a process says when it ends."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest


def last_line(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    process = subprocess.run(
        [sys.executable, "-m", "stance_service", *arguments],
        env={"PATH": "", "STANCE_KAFKA_TIMEOUT_SECONDS": "0.1"} | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stderr.splitlines()[-1]


NOBODY = {"STANCE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}


def test_a_process_that_cannot_go_on_says_why_in_its_last_line() -> None:
    status, line = last_line(NOBODY, "dead-letters", "list", "articles.v1")
    assert status == 1
    assert line.startswith("stance-service: Kafka at 127.0.0.1:1 does not answer")


def test_its_last_line_has_the_form_of_its_log() -> None:
    status, line = last_line(NOBODY | {"STANCE_LOG_FORMAT": "json"}, "dead-letters", "list", "articles.v1")
    assert status == 1
    assert json.loads(line)["message"].startswith("Kafka at 127.0.0.1:1 does not answer")


@pytest.mark.parametrize("command", ["observe", "track", "history"])
def test_a_wrong_setting_is_named_and_no_secret_told(command: str) -> None:
    wrong = {"STANCE_KAFKA_SECURITY_PROTOCOL": "TLS", "STANCE_KAFKA_SASL_PASSWORD": "swordfish"}
    status, line = last_line(wrong, command)
    assert status == 1
    assert line.startswith("stance-service: STANCE_KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT'")
    assert "swordfish" not in line
