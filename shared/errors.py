"""What can go wrong, by what has to be done about it."""

from dataclasses import dataclass


class StanceError(Exception):
    """Anything this project raises on purpose; its message names the setting, file or record and what to do."""


class PermanentError(StanceError):
    """Trying again cannot help: park or report the input, and go on."""


class TransientError(StanceError):
    """Trying again may help: back off, then exit unhealthy."""


class BrokerUnavailableError(TransientError):
    """Kafka does not answer, or the embedded broker did not start."""


@dataclass(unsafe_hash=True)  # frozen ones can't be given a traceback, nor be sent between processes
class BadInputError(PermanentError):
    """One document can't become an article; the others can. `field` is the one at fault, where it is a record's."""

    where: str
    reason: str
    field: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"
