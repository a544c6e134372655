"""For all tests."""

import os

import pytest
from hypothesis import settings

from tests.kafka.choice import untested

settings.register_profile("ci", derandomize=True)
"""The same examples in every run: a verdict on a commit must not depend on luck. Without CI=true, new ones."""

if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what wasn't tested."""
    for reason in dict.fromkeys(untested):
        terminalreporter.section("NOT TESTED ON APACHE KAFKA", red=True, bold=True)
        terminalreporter.line(f"Only the embedded broker was. To test on Apache Kafka, {reason}.", red=True)
