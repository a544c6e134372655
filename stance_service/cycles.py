"""How Python looks for cycles where a history is folded."""

import gc
from typing import Final

_COLLECT_AFTER: Final = (50_000, 20, 20)


def leave_history_alone() -> None:
    """What a tracker knows only grows and has no cycles: looking for some in it, Python would lose a tenth of its time.

    For the whole process.
    """
    gc.set_threshold(*_COLLECT_AFTER)
