"""Rounds of a source against a memory."""

from dataclasses import dataclass, field

from ingest_service.sources import Found, PolledSource, RawDocument
from shared.errors import BadInputError


@dataclass
class Notes:
    """A memory that forgets nothing."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        self.values[key] = value


async def poll(source: PolledSource, memory: Notes) -> list[Found]:
    """All that one round finds."""
    return [found async for found in source.poll(memory)]


def documents(found: list[Found]) -> list[RawDocument]:
    """The documents in it, which must be all there is."""
    assert all(isinstance(each, RawDocument) for each in found), found
    return [each for each in found if isinstance(each, RawDocument)]


def reasons(found: list[Found]) -> list[str]:
    """Why documents were rejected, if all were."""
    assert all(isinstance(each, BadInputError) for each in found), found
    return [each.reason for each in found if isinstance(each, BadInputError)]
