"""Backends that decide which positions an article shows, behind one protocol."""

import os

# Said at import and never true of us: the models run without torch.
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
