"""What the services say about themselves: logs and metrics."""

import json
import logging
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter(
    "stance_records",
    "Records read, by topic and outcome (observed, tracked, stored, alerted; parked: it is now a dead letter).",
    ["topic", "outcome"],
)
LAG = Gauge(
    "stance_lag_records",
    "Records of a partition of this process that wait to be processed.",
    ["topic", "partition"],
)
MODEL_SECONDS = Histogram(
    "stance_model_seconds",
    "Time the classifier took per article: of a batch, divided by its articles.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
)
REFUSED_OBSERVATIONS = Counter(
    "stance_refused_observations",
    "Articles and records refused because what they say can't be true, by field (published_at, axis, confidence, ...).",
    ["field"],
)
LATE_OBSERVATIONS = Counter(
    "stance_late_observations",
    "Observations tracked whose event time lies before that of one already known of the same actor and axis.",
)
CHANGES = Counter("stance_changes", "Changes announced, by kind (established, shift, revision).", ["kind"])
NOTICES = Counter(
    "stance_notices",
    "Attempts to deliver a notice, by outcome (sent, failed; parked: given up).",
    ["channel", "outcome"],
)
TRACK_TRANSACTION_SECONDS = Histogram(
    "stance_track_transaction_seconds",
    "Time from the beginning of a transaction of the tracker to its commit.",
    buckets=(0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
TRACK_RESTORE_SECONDS = Histogram(
    "stance_track_restore_seconds",
    "Time to bring back what is known of newly assigned partitions.",
    buckets=(0.1, 0.3, 1, 3, 10, 20, 60, 300, 1800),
)
LAST_CHECKPOINT = Gauge(
    "stance_last_checkpoint_timestamp_seconds",
    "When this process last sealed all stance changes, in seconds since 1970.",
)
DOCUMENTS = Counter(
    "stance_documents", "Documents read, by outcome (published, revised, retracted, unchanged, rejected).", ["outcome"]
)
SOURCE_ROUNDS = Counter(
    "stance_source_rounds", "Polls of a source of articles, by outcome (succeeded, failed).", ["source", "outcome"]
)
SUBMISSIONS = Counter("stance_submissions", "Requests to `POST /articles`, by the status of their answer.", ["status"])
CHAT_CALLS = Counter(
    "stance_chat_calls", "Calls of the chat endpoint, by outcome (answered, retried, refused, truncated).", ["outcome"]
)
CHAT_TOKENS = Counter(
    "stance_chat_tokens", "Tokens that the chat endpoint reports, by direction (in, out).", ["direction"]
)
CHAT_COST = Counter("stance_chat_cost", "What those tokens cost, in the currency of STANCE_CHAT_PRICE_IN and _OUT.")
CHAT_DROPPED = Counter(
    "stance_chat_dropped",
    "Statements of the chat model that the text does not bear out, by what failed (form, evidence, actor, source, "
    "instruction).",
    ["reason"],
)

_NOISY = {  # what matters of theirs reaches us as exceptions
    "kafka": logging.CRITICAL,
    "librdkafka": logging.CRITICAL,
    "aiokafka": logging.ERROR,
    "faststream": logging.WARNING,
    "uvicorn": logging.WARNING,
    "httpx2": logging.WARNING,
    "trafilatura": logging.CRITICAL,
    "htmldate": logging.CRITICAL,
    "courlan": logging.CRITICAL,
}
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "taskName"}


def configure_logging(service: str, level: str = "INFO", form: Literal["json", "text"] = "text") -> None:
    """Log to standard error: one JSON object a line, or text. Fields passed as `extra` are kept."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(JsonFormatter(service))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        for noisy, least in _NOISY.items():
            logging.getLogger(noisy).setLevel(least)


def report_failure(service: str, reason: object) -> None:
    """The last line of a process that can't go on, in the form of its log."""
    if any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers):
        logging.getLogger(service).critical("%s", reason)
    else:
        sys.stderr.write(f"{service}: {reason}\n")


class JsonFormatter(logging.Formatter):
    """One JSON object a record, UTC."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "logged_at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def project_version() -> str:
    """The version of the installed project."""
    return version("stancewatch")
