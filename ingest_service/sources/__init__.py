"""Where documents come from. Every source yields raw documents, and errors as values so that the rest goes on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.errors import BadInputError

MediaType = Literal["text/plain", "text/html"]


@dataclass(frozen=True)
class Known:
    """What a source says about a document; it prevails over what the document's text suggests."""

    title: str | None = None
    url: str | None = None
    language: str | None = None
    author: str | None = None
    publisher: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True)
class RawDocument:
    """A document as it was found. `key` names it within `source`, `where` is for messages to people."""

    source: str
    key: str
    where: str
    content: bytes
    media_type: MediaType = "text/plain"
    known: Known = field(default_factory=Known)


class Source(Protocol):
    """Anything that has documents."""

    def documents(self) -> Iterator[RawDocument | BadInputError]:
        """The documents one by one, read only when asked for; those that can't be read as errors."""
        ...
