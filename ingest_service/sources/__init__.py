"""Where documents come from. Every source yields raw documents, and errors as values so that the rest goes on."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.errors import BadInputError

MediaType = Literal["text/plain", "text/html"]
KnownFrom = Literal["manifest", "feed", "submitted"]


@dataclass(frozen=True)
class Known:
    """What a source says about a document; it prevails over what the document's text suggests."""

    title: str | None = None
    url: str | None = None
    language: str | None = None
    author: str | None = None
    publisher: str | None = None
    published_at: datetime | None = None
    origin: KnownFrom = "manifest"


@dataclass(frozen=True)
class RawDocument:
    """A document as it was found. `key` names it within `source`, `where` is for messages to people.

    `charset` is the encoding that its server named, which may be wrong; None if it named none. `fetched_at` is when it
    was fetched, if that was not just now.
    """

    source: str
    key: str
    where: str
    content: bytes
    media_type: MediaType = "text/plain"
    known: Known = field(default_factory=Known)
    charset: str | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True)
class Gone:
    """The publisher withdrew a document: its page answers 410, or its feed carries a retraction notice."""

    source: str
    key: str
    where: str
    url: str | None
    reason: str


Found = RawDocument | Gone | BadInputError


class Source(Protocol):
    """Documents that are at hand: files and folders."""

    def documents(self) -> Iterator[Found]:
        """The documents one by one, read only when asked for; those that can't be read as errors."""
        ...


NOT_BEFORE = "not_before"
"""The key under which a source puts when it may be asked again at the earliest, in ISO 8601: by Retry-After or ttl."""


class Memory(Protocol):
    """What one source remembers between its polls: entity tags, what it has seen, when it last changed.

    What is put is readable at once, but kept for good only when everything found before it is on the topic: a round
    that is cut short is remembered as if it had never run beyond that point.
    """

    def get(self, key: str) -> str | None:
        """The value last put under a key."""
        ...

    def put(self, key: str, value: str) -> None:
        """Remember a value; call it after the documents that make it true were yielded."""
        ...


class PolledSource(Protocol):
    """A source on the network, asked again and again."""

    @property
    def name(self) -> str:
        """The name it has in the configuration, and that its articles carry."""
        ...

    def poll(self, memory: Memory) -> AsyncIterator[Found]:
        """One round: what is new or gone since the last one. Raises StanceError if the source itself fails."""
        ...
