"""For all tests."""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True)
"""The same examples in every run: a verdict on a commit must not depend on luck. Without CI=true, new ones."""

if os.environ.get("CI"):
    settings.load_profile("ci")
