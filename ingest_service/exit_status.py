"""What commands end with, other than 0."""

from typing import Final

SOME_REJECTED: Final = 1
WRONG_SETTING: Final = 2
FAILED: Final = 3
