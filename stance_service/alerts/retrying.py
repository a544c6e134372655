"""How long to go on with a channel that takes nothing. Pure."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_GROWTH: Final = 4
_MOST_STEPS: Final = 16


@dataclass(frozen=True)
class Patience:
    """`give_up`: with a notice, after its first failure; `disable`: a channel, after it last took one."""

    first_pause: timedelta
    longest_pause: timedelta
    give_up: timedelta
    disable: timedelta

    def pause(self, failures: int, jitter: float) -> timedelta:
        """Before the next attempt; `jitter` (0 to 1) shortens it by up to half, so that not all come at once."""
        steps: int = min(failures - 1, _MOST_STEPS)
        full = self.first_pause * math.pow(_GROWTH, steps)
        return min(full, self.longest_pause) * (1 - jitter / 2)
