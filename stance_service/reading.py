"""What commands that only read have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from shared import broker
from shared.errors import PermanentError
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings, secret
from stance_service.belief import Parameters
from stance_service.history import History
from stance_service.history.feed import Feed
from stance_service.settings import HistorySettings, TrackerSettings

KnownAt = Annotated[
    str | None, typer.Option(help="As it was known then: a date (to the end of that day), or a time with its zone.")
]


@contextmanager
def up_to_date(command: str) -> Iterator[tuple[History, Parameters]]:
    """The history, holding all that the tracker has published; and the parameters to fold the past with."""
    logs = LogSettings()
    configure_logging(command, "WARNING" if logs.log_level == "INFO" else logs.log_level, logs.log_format)
    settings, parameters = BrokerSettings(), TrackerSettings().parameters()
    with opened(settings, parameters) as history, broker.running(settings) as reachable:
        Feed(reachable, history).catch_up()
        yield history, parameters


@contextmanager
def opened(settings: BrokerSettings, parameters: Parameters) -> Iterator[History]:
    """The configured store, SQLite in the data folder unless another is set."""
    stored = HistorySettings()
    url = stored.url
    if not url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{settings.data_dir / 'history.sqlite'}"
    history = History(url, parameters, secret("STANCE_HISTORY_PASSWORD", stored.password, stored.password_file))
    try:
        yield history
    finally:
        history.close()


def known_by(text: str | None) -> datetime | None:
    """The instant of `--known-at`; raises PermanentError for one that is to come."""
    if text is None:
        return None
    known = instant(text, "--known-at", end_of_day=True)
    if known.date() > datetime.now(UTC).date():
        raise PermanentError(f"--known-at {text} lies in the future; without it there is what is known now")
    return known


def instant(text: str, option: str, *, end_of_day: bool = False) -> datetime:
    """An instant from an option, UTC unless it says otherwise; a date is its first instant, or its last."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PermanentError(f"{option} {text!r} is neither a date such as 2024-03-13 nor a time") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if end_of_day and len(text) <= len("2024-03-13"):  # no time is that short
        at += timedelta(days=1) - timedelta(microseconds=1)
    return at.astimezone(UTC)
