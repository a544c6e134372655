"""What comes of a request."""

from dataclasses import dataclass, field

from ingest_service.fetching.sniff import Kind


@dataclass(frozen=True)
class Validators:
    """What a server recognises a version of a page by; sent back, it answers 304 if that is still the newest."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """A conditional request's headers; none if there is nothing to compare with."""
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True)
class Fetched:
    """A page as it was sent, decompressed. `url` is where the redirects ended."""

    url: str
    content: bytes
    kind: Kind
    charset: str | None = None  # as the server says; None: it does not
    validators: Validators = field(default_factory=Validators)
    max_age: float | None = None  # seconds for which the server says that it does not change


@dataclass(frozen=True)
class NotModified:
    """The page is as it was when its validators were given."""

    url: str
    max_age: float | None = None
