"""For all tests."""

import os

import pytest
from hypothesis import settings

from tests.kafka import choice as kafka
from tests.postgres import choice as postgres

settings.register_profile("local", deadline=None)
"""No example has a deadline: how long one takes says more about the machine's load than about the code."""
settings.register_profile("ci", derandomize=True, deadline=None)
"""The same examples in every run: a verdict on a commit must not depend on luck. Without CI=true, new ones."""

settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what wasn't tested."""
    untested = [("APACHE KAFKA", reason) for reason in kafka.untested]
    untested += [("POSTGRESQL", reason) for reason in postgres.untested]
    for what, reason in dict.fromkeys(untested):
        terminalreporter.section(f"NOT TESTED ON {what}", red=True, bold=True)
        terminalreporter.line(f"Tests were skipped. To run them, {reason}.", red=True)
