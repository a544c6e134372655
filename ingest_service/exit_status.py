"""What commands end with, other than 0."""

from typing import Final

SOME_REJECTED: Final = 1
REFUSED: Final = 2
"""An argument, setting or file has to be changed first."""
FAILED: Final = 3
"""The same may work later."""
