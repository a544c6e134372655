"""What ingest knows between its runs, in one SQLite file for each topic of articles. Only this module knows SQL.

What has been published is a projection of the topic: it notes how far the topic was read, and may be deleted. What
the sources remember and what they did is kept beside it, written in the same transaction as what was published.
Publishing happens inside `State.writing`: the file's write lock lets one process of the machine do so at a time.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.errors import PermanentError, TransientError
from shared.settings import data_refused

_VERSION = 1
_SCHEMA = """
CREATE TABLE topic (identity TEXT NOT NULL);
CREATE TABLE progress (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
CREATE TABLE articles (article_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, fingerprint TEXT) WITHOUT ROWID;
CREATE TABLE aliases (found_as TEXT PRIMARY KEY, article_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE memory (source TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE TABLE rounds (
    source TEXT NOT NULL, ended_at TEXT NOT NULL, due_at TEXT NOT NULL, interval_seconds REAL NOT NULL,
    published INTEGER NOT NULL, unchanged INTEGER NOT NULL, rejected INTEGER NOT NULL, error TEXT
);
CREATE INDEX rounds_by_source ON rounds (source, ended_at);
CREATE TABLE answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL, answered_at TEXT NOT NULL)
    WITHOUT ROWID;
"""
_CACHE_KIB = 64 * 1024
_LOG_PAGES = 16 * 1024
"""64 MB: an article's bands are spread over the whole index, and a page that many touch is then written once."""
ROUNDS_KEPT = timedelta(days=7)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """How one poll of a source went, and when it is due again. `error` is that of the source, not of a document."""

    source: str
    ended_at: datetime
    due_at: datetime
    interval: timedelta
    published: int = 0
    unchanged: int = 0
    rejected: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a request was answered, by its idempotency key; `request` is the digest of what was sent."""

    key: str
    request: str
    answer: str
    answered_at: datetime


class State:
    """The file at `path`, made if missing and made anew if it can't be read. One thread at a time may use it.

    `wait_seconds`: how long another process may hold the right to publish before we give up.
    """

    def __init__(self, path: Path | None, wait_seconds: float = 60.0) -> None:
        self._path = path
        self._wait = wait_seconds
        try:
            self._connection = self._opened()
        except (OSError, sqlite3.DatabaseError) as error:
            if path is None or isinstance(error, OSError | sqlite3.OperationalError):
                raise PermanentError(data_refused(path, error)) from error
            _log.warning("%s is damaged and is made anew: %s", path, error)
            _remove(path)
            self._connection = self._opened()

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator["State"]:
        """A transaction, all or nothing, while no other process writes; `keep` False undoes it at the end.

        Raises TransientError if another process does not finish, or there is no room.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransientError(f"another process has been publishing for {self._wait:.0f} s: {error}") from error
        try:
            yield self
            self._connection.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite has ended it itself if there was no room
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise TransientError(data_refused(self._path, error)) from error
            raise

    def latest(self, article_id: str) -> tuple[int, str | None] | None:
        """Revision and fingerprint (None: retracted) of the latest revision published."""
        found: tuple[int, str | None] | None = self._connection.execute(
            "SELECT revision, fingerprint FROM articles WHERE article_id = ?", (article_id,)
        ).fetchone()
        return found

    def note(self, article_id: str, revision: int, fingerprint: str | None) -> None:
        """Take note of what is on the topic; the highest revision prevails."""
        self._connection.execute(
            "INSERT INTO articles VALUES (?, ?, ?) ON CONFLICT (article_id) DO UPDATE "
            "SET revision = excluded.revision, fingerprint = excluded.fingerprint WHERE excluded.revision >= revision",
            (article_id, revision, fingerprint),
        )

    def found(self, found_as: str, article_id: str) -> None:
        """An article's place has another id than the article, because its page declares another address."""
        self._connection.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?)", (found_as, article_id))

    def at(self, found_as: str) -> str:
        """The article last found at a place; without one, the place's own id."""
        row = self._connection.execute("SELECT article_id FROM aliases WHERE found_as = ?", (found_as,)).fetchone()
        return row[0] if row else found_as

    @property
    def connection(self) -> sqlite3.Connection:
        """For indexes that are kept in the same file and the same transactions."""
        return self._connection

    def topic(self) -> str | None:
        """Which topic the file is a projection of."""
        found = self._connection.execute("SELECT identity FROM topic").fetchone()
        return found[0] if found else None

    def begin(self, identity: str) -> None:
        """Forget all and be a projection of this topic. Sources are asked anew: what they gave may be gone."""
        for table in ("topic", "progress", "articles", "memory", "answers"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own
        self._connection.execute("INSERT INTO topic VALUES (?)", (identity,))

    def progress(self) -> dict[int, int]:
        """The next offset to read, by partition."""
        return dict(self._connection.execute("SELECT partition, next_offset FROM progress").fetchall())

    def advance(self, partition: int, next_offset: int) -> None:
        """A partition was read so far."""
        self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (partition, next_offset))

    def memory(self, source: str) -> dict[str, str]:
        """All that a source remembers."""
        rows = self._connection.execute("SELECT key, value FROM memory WHERE source = ?", (source,))
        return dict(rows.fetchall())

    def remember(self, source: str, values: Mapping[str, str]) -> None:
        """Keep what a source has put."""
        rows = [(source, key, value) for key, value in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    def ended(self, poll: Round) -> None:
        """Keep how a round went; those older than `ROUNDS_KEPT` go, but never a source's last success."""
        row = (
            poll.source, _text(poll.ended_at), _text(poll.due_at), poll.interval.total_seconds(),
            poll.published, poll.unchanged, poll.rejected, poll.error,
        )  # fmt: skip
        self._connection.execute("INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._connection.execute(
            "DELETE FROM rounds WHERE source = ?1 AND ended_at < ?2 AND ended_at <> coalesce("
            "(SELECT max(ended_at) FROM rounds WHERE source = ?1 AND error IS NULL), '')",
            (poll.source, _text(poll.ended_at - ROUNDS_KEPT)),
        )

    def rounds(self, source: str) -> list[Round]:
        """The rounds of a source that are kept, oldest first."""
        rows = self._connection.execute("SELECT * FROM rounds WHERE source = ? ORDER BY ended_at", (source,))
        return [
            Round(name, _instant(ended), _instant(due), timedelta(seconds=seconds), *counts)
            for name, ended, due, seconds, *counts in rows.fetchall()
        ]

    def answer(self, key: str) -> Answer | None:
        """What a request with this key was answered."""
        row = self._connection.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
        return Answer(row[0], row[1], row[2], _instant(row[3])) if row else None

    def answered(self, answer: Answer, kept: timedelta) -> None:
        """Keep an answer; those given longer than `kept` ago go."""
        self._connection.execute("DELETE FROM answers WHERE answered_at < ?", (_text(answer.answered_at - kept),))
        row = (answer.key, answer.request, answer.answer, _text(answer.answered_at))
        self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row)

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path or ":memory:", timeout=self._wait, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read from the topic again
            connection.execute(f"PRAGMA cache_size = {-_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            if _version(connection) != _VERSION:
                _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _migrate(connection: sqlite3.Connection) -> None:
    """Begin anew: all of it can be rebuilt. Another process may be doing the same."""
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) != _VERSION:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            connection.execute(f'DROP TABLE "{name}"')
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
