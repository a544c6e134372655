"""What was believed when: the bitemporal store and what feeds it."""

from stance_service.history.store import Entry, History

__all__ = ["Entry", "History"]
