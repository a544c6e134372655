"""What a source remembers while it is polled, and what of it is to be kept after what it found."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from ingest_service.pipeline import Batch
from ingest_service.publish import Remember
from ingest_service.sources import PolledSource


class SourceMemory:
    """A `Memory` that begins with what was kept; what is put since is handed on by `taken`, once."""

    def __init__(self, source: str, kept: Mapping[str, str]) -> None:
        self._source = source
        self._values = dict(kept)
        self._put: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """See `Memory`."""
        return self._values.get(key)

    def put(self, key: str, value: str) -> None:
        """See `Memory`."""
        if self._values.get(key) != value:
            self._values[key] = self._put[key] = value

    def taken(self) -> list[Remember]:
        """What was put since this was asked last."""
        put, self._put = self._put, {}
        return [Remember(self._source, key, value) for key, value in put.items()]


async def polled(source: PolledSource, memory: SourceMemory) -> AsyncIterator[Batch]:
    """A round of a source; what it remembers comes after what it had found by then."""
    found = source.poll(memory)
    try:
        async for each in found:
            yield [*memory.taken(), each]
    finally:
        if isinstance(found, AsyncGenerator):
            await found.aclose()  # a round that is cut short gives its connections back
    yield memory.taken()
