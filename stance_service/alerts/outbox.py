"""What is to be delivered and what was, in one SQLite file: restarts forget nothing. Only this module knows its SQL.

A change is delivered to a channel once, whatever number of rules want it and however often it is read. It is
forgotten only with the file.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from shared.dead_letters import Record
from shared.errors import PermanentError
from shared.events import StanceChange
from shared.settings import data_refused
from stance_service.alerts.rules import Told

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS deliveries (
    channel TEXT NOT NULL, change_id TEXT NOT NULL, notice TEXT NOT NULL, rule TEXT NOT NULL, place TEXT NOT NULL,
    record BLOB NOT NULL, state TEXT NOT NULL, due_at REAL NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, failing_since REAL, PRIMARY KEY (channel, change_id)
);
CREATE INDEX IF NOT EXISTS waiting ON deliveries (channel, due_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS channels (name TEXT PRIMARY KEY, failing_since REAL, disabled_because TEXT);
CREATE TABLE IF NOT EXISTS told (
    rule TEXT NOT NULL, actor TEXT NOT NULL, axis TEXT NOT NULL, change_id TEXT NOT NULL, towards TEXT NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (rule, actor, axis)
);
"""


@dataclass(frozen=True)
class Delivery:
    """Of one change to one channel. Deliveries of one notice go together."""

    channel: str
    change_id: str
    notice: str
    rule: str
    due_at: datetime


@dataclass(frozen=True)
class Waiting:
    """A notice that is due: the records of its changes, and how often and since when it was tried in vain."""

    channel: str
    notice: str
    rule: str
    records: tuple[Record, ...]
    failures: int
    failing_since: datetime | None


class Outbox:
    """The file at `path`, made if missing. One thread at a time may use it."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.DatabaseError) as error:
            raise PermanentError(data_refused(path, error)) from error

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def add(self, record: Record, deliveries: Iterable[Delivery], told: Told) -> None:
        """All or nothing; of several to one channel the earliest. What was parked waits anew if it was driven again.

        `told`: what their rules tell by them.
        """
        place = f"{record.topic}/{record.partition}/{record.offset}"
        encoded = msgspec.json.encode(record)
        with self._transaction() as connection:
            for each in sorted(deliveries, key=lambda each: each.due_at):
                due = each.due_at.timestamp()
                connection.execute(
                    "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, 0, NULL) "
                    "ON CONFLICT (channel, change_id) DO UPDATE SET place = excluded.place, notice = excluded.notice, "
                    "rule = excluded.rule, record = excluded.record, state = 'waiting', failures = 0, "
                    "failing_since = NULL, due_at = excluded.due_at "
                    "WHERE state = 'parked' AND place <> excluded.place",
                    (each.channel, each.change_id, each.notice, each.rule, place, encoded, due),
                )
                connection.execute(
                    "INSERT INTO told VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (rule, actor, axis) DO UPDATE SET "
                    "change_id = excluded.change_id, towards = excluded.towards, at = excluded.at "
                    "WHERE at <= excluded.at",
                    (each.rule, told.actor, told.axis, told.change_id, told.towards, told.at.timestamp()),
                )

    def told(self, rule: str, of: StanceChange) -> Told | None:
        """What a rule told last of the actor of a change, on its axis."""
        found = self._connection.execute(
            "SELECT change_id, towards, at FROM told WHERE rule = ? AND actor = ? AND axis = ?",
            (rule, of.actor, of.axis),
        ).fetchone()
        if found is None:
            return None
        change_id, towards, at = found
        return Told(change_id, of.actor, of.axis, towards, datetime.fromtimestamp(at, UTC))

    def next_due(self, channel: str, now: datetime) -> Waiting | None:
        """The notice that waits longest."""
        found = self._connection.execute(
            "SELECT notice FROM deliveries WHERE channel = ? AND state = 'waiting' AND due_at <= ? "
            "ORDER BY due_at, rowid LIMIT 1",
            (channel, now.timestamp()),
        ).fetchone()
        if found is None:
            return None
        rows = self._connection.execute(
            "SELECT rule, record, failures, failing_since FROM deliveries "
            "WHERE channel = ? AND notice = ? AND state = 'waiting' ORDER BY rowid",
            (channel, found[0]),
        ).fetchall()
        records = tuple(msgspec.json.decode(row[1], type=Record) for row in rows)
        rule, _, failures, since = rows[0]
        failing_since = None if since is None else datetime.fromtimestamp(since, UTC)
        return Waiting(channel, found[0], rule, records, failures, failing_since)

    def sent(self, waiting: Waiting) -> None:
        """The channel took it."""
        with self._transaction() as connection:
            self._finish(waiting, "sent")
            connection.execute("DELETE FROM channels WHERE name = ?", (waiting.channel,))

    def failed(self, waiting: Waiting, now: datetime, retry_at: datetime) -> datetime:
        """The channel did not take it; since when it has taken nothing."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET failures = failures + 1, failing_since = coalesce(failing_since, ?), due_at = ? "
                "WHERE channel = ? AND notice = ? AND state = 'waiting'",
                (now.timestamp(), retry_at.timestamp(), waiting.channel, waiting.notice),
            )
            connection.execute(
                "INSERT INTO channels VALUES (?, ?, NULL) ON CONFLICT DO NOTHING", (waiting.channel, now.timestamp())
            )
            since: float = connection.execute(
                "SELECT failing_since FROM channels WHERE name = ?", (waiting.channel,)
            ).fetchone()[0]
        return datetime.fromtimestamp(since, UTC)

    def parked(self, waiting: Waiting) -> None:
        """It is a dead letter now."""
        with self._transaction():
            self._finish(waiting, "parked")

    def disable(self, channel: str, reason: str) -> None:
        """After a failure: nothing is sent there any more."""
        self._connection.execute("UPDATE channels SET disabled_because = ? WHERE name = ?", (reason, channel))

    def enable(self, channel: str) -> None:
        """Forget its failures."""
        self._connection.execute("DELETE FROM channels WHERE name = ?", (channel,))

    def disabled(self, channel: str) -> str | None:
        """Why it is; None if it isn't."""
        found = self._connection.execute("SELECT disabled_because FROM channels WHERE name = ?", (channel,)).fetchone()
        return None if found is None else found[0]

    def _finish(self, waiting: Waiting, state: str) -> None:
        """What is finished is kept to tell repeats by, without its record."""
        self._connection.execute(
            "UPDATE deliveries SET state = ?, record = '' WHERE channel = ? AND notice = ? AND state = 'waiting'",
            (state, waiting.channel, waiting.notice),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
