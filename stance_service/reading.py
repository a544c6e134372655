"""What commands that only read have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared import broker
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings, secret
from stance_service.belief import Parameters
from stance_service.history import History
from stance_service.history.feed import Feed
from stance_service.settings import HistorySettings, TrackerSettings


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
