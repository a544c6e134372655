"""Deterministic ids: the SHA-256 of canonical content, so that repeats are harmless."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping

from anyascii import anyascii


def digest(kind: str, content: Mapping[str, object]) -> str:
    """Hex SHA-256 of `kind` and the content as JSON with sorted keys."""
    text = json.dumps([kind, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def slug(name: str) -> str:
    """The actor slug of a name: ASCII lower case words joined by hyphens (`Jiří Vachoušek`: `jiri-vachousek`)."""
    ascii_name = anyascii(unicodedata.normalize("NFKC", name)).lower().replace("&", " and ")
    return "-".join(re.findall(r"[a-z0-9]+", ascii_name))
