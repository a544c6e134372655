"""Why a URL could not be fetched: for good, or for now."""

from shared.errors import PermanentError, StanceError, TransientError


class FetchError(StanceError):
    """A URL could not be fetched; `reason` completes the sentence "it was not fetched: ..."."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


class PermanentFetchError(FetchError, PermanentError):
    """Asking again would not help, until the page or the configuration changes."""


class RefusedUrlError(PermanentFetchError):
    """It is no address that we fetch: another scheme than http(s), a password in it, no host."""


class RefusedAddressError(PermanentFetchError):
    """The host's address is not on the public internet."""


class DeniedByRobotsError(PermanentFetchError):
    """The site's robots.txt does not want us there."""


class TooManyRedirectsError(PermanentFetchError):
    """It redirects in a circle, or on and on."""


class TooLargeError(PermanentFetchError):
    """It is larger than we read, as sent or once decompressed."""


class WrongTypeError(PermanentFetchError):
    """It is something else than was asked for, such as a film."""


class UndecodableError(PermanentFetchError):
    """Its compression is broken."""


class StatusError(PermanentFetchError):
    """The server refuses (401, 403, 451 ...)."""


class NotFoundError(StatusError):
    """404: there is no such page; publishers remove pages for many reasons."""


class GonePageError(StatusError):
    """410: the publisher says that the page is gone for good."""


class TransientFetchError(FetchError, TransientError):
    """Asking again later may help, not before `retry_after` seconds if the server named them."""

    def __init__(self, url: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(url, reason)
        self.retry_after = retry_after


class UnreachableError(TransientFetchError):
    """No name, no connection, no TLS, or a connection that broke."""


class TooSlowError(TransientFetchError):
    """The answer did not arrive in time. Not retried at once: that would hold up the host's other pages."""


class UnavailableError(TransientFetchError):
    """The server is overloaded, or has an error of its own (408, 425, 429, 5xx)."""
