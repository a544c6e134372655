"""SIGTERM to a service that has only begun to start."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["ingest_service", "stance_service"])
def test_a_service_that_is_asked_to_stop_while_it_starts_ends(service: str) -> None:
    """It is process 1 in its container: the kernel keeps a signal from it that it does not handle."""
    script = (
        "import signal, sys\n"
        f"from {service} import __main__ as service\n"
        f"sys.argv = ['{service}', '--help']\n"
        "service.import_module = lambda name: signal.raise_signal(signal.SIGTERM)\n"
        "service.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, timeout=120)
    assert ended.returncode == 128 + signal.SIGTERM
