"""JSON in its canonical form (RFC 8785), of which hashes and signatures are made. Pure."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
import rfc8785

_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder(order="sorted").encode
_unusual_number: Final = re.compile(rb"[:,\[]-?\d(?:\d*\.0(?!\d)|[\d.]*e|\d{15})").search
"""ECMAScript writes it otherwise, or not at all."""
_unusual_letter: Final = re.compile(rb"[\xee-\xf4]").search
"""UTF-16 sorts it otherwise; that matters in names only."""


def without(value: bytes, name: str) -> dict[str, Any]:
    """The members of a JSON object, given its bytes, but the one of that name; raises msgspec.DecodeError."""
    content: dict[str, Any] = msgspec.json.decode(value, type=dict)
    content.pop(name, None)
    return content


def canonical(value: object) -> bytes:
    """The one form of a JSON value; raises ValueError for what has none, such as an integer beyond 2**53.

    msgspec sorts and writes most values as RFC 8785 does, a hundred times faster than rfc8785, which has the rest.
    """
    written = _encode(value)
    usual = isinstance(value, dict | list) and not _unusual_number(written)
    if usual and (written.isascii() or not _unusual_letter(written)):
        return written
    return rfc8785.dumps(value)  # type: ignore[arg-type]
