"""What a source remembers of the pages and items it has dealt with."""

import json
from dataclasses import dataclass, replace

from ingest_service.fetching import Validators
from ingest_service.sources import Memory

_KEY = "seen"


@dataclass(frozen=True)
class Sight:
    """The version that was dealt with, where it was in the end, and how often a newer one could not be fetched.

    `version` None: none was ever fetched.
    """

    version: str | None
    url: str | None = None
    failures: int = 0


class Seen:
    """The items that a source has dealt with, the latest `capacity` of them; kept by `save`."""

    def __init__(self, memory: Memory, capacity: int) -> None:
        self._memory = memory
        self._capacity = capacity
        self._sights = {key: Sight(*sight) for key, sight in json.loads(memory.get(_KEY) or "{}").items()}
        self._unsaved = 0

    def get(self, key: str) -> Sight | None:
        """What is remembered of an item."""
        return self._sights.get(key)

    def note(self, key: str, version: str, url: str | None = None) -> None:
        """An item was dealt with; without a URL it is where it was before."""
        before = self._sights.get(key)
        self._keep(key, Sight(version, url or (before.url if before else None)))

    def failed(self, key: str) -> int:
        """An item could not be fetched this time; the number of times in a row."""
        before = self._sights.get(key) or Sight(None)
        self._keep(key, replace(before, failures=before.failures + 1))
        return before.failures + 1

    def still(self, key: str) -> None:
        """An item is still there: it is not forgotten before those that are not."""
        if key in self._sights:
            self._sights[key] = self._sights.pop(key)

    def save(self, every: int = 1) -> None:
        """Remember, once `every` items have come together."""
        if self._unsaved >= every:
            kept = list(self._sights.items())[-self._capacity :]
            sights = {key: [sight.version, sight.url, sight.failures] for key, sight in kept}
            self._memory.put(_KEY, json.dumps(sights))
            self._unsaved = 0

    def _keep(self, key: str, sight: Sight) -> None:
        self._sights.pop(key, None)
        self._sights[key] = sight
        self._unsaved += 1


def recall_validators(memory: Memory, url: str) -> Validators:
    """The validators of the version of a page that was dealt with."""
    return Validators(*json.loads(memory.get(f"validators {url}") or "[]"))


def keep_validators(memory: Memory, url: str, validators: Validators) -> None:
    """Remember them; call it once everything that this version says is dealt with."""
    memory.put(f"validators {url}", json.dumps([validators.etag, validators.last_modified]))
