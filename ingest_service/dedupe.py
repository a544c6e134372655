"""Copies of articles: an index of what was published, in SQLite tables of its own.

datasketch's index persists to Redis or Cassandra and needs SciPy; what is left of it without them is the MinHash,
which is a few lines of numpy in `similarity`.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest_service.similarity import Prints, Sketch
from shared.events import Article

_SCHEMA = """
CREATE TABLE IF NOT EXISTS texts (
    number INTEGER PRIMARY KEY, family TEXT NOT NULL, observed_at TEXT NOT NULL,
    shingles BLOB NOT NULL, figures BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS bands (band INTEGER, number INTEGER, PRIMARY KEY (band, number)) WITHOUT ROWID;
"""
_COMPARED = 40
"""Candidates; those that share most bands come first."""
_SAME = 0.95


@dataclass(frozen=True)
class _Similar:
    """A known text that a new one is a copy of; `covered` is the share of the new one that it has."""

    family: str
    observed_at: str
    covered: float


class Duplicates:
    """The families of copies. The connection's owner holds transactions and threads; nothing is committed here.

    Nothing is ever taken out: a copy of a text that was corrected or withdrawn is a copy all the same. What the
    articles on the topic say of their families is taken as it stands, so that the index can be rebuilt from them.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)

    def original(self, article_id: str, text: Sketch | None) -> str | None:
        """The article that this one is a copy of: the first of its family; None if it has none but itself."""
        if text is None:
            return None
        copied = [other for other in self._similar(text) if other.family != article_id]
        if not copied:
            return None
        return min(copied, key=lambda other: (other.observed_at, other.family)).family

    def add(self, article: Article, text: Sketch | None) -> None:
        """Take note of a published article. A text of the same family that is known already is not kept twice."""
        if text is None:
            return
        family = article.duplicate_of or article.article_id
        copied = self._similar(text) if article.duplicate_of else ()
        if any(other.family == family and other.covered >= _SAME for other in copied):
            return
        number = self._connection.execute(
            "INSERT INTO texts (family, observed_at, shingles, figures) VALUES (?, ?, ?, ?)",
            (family, article.observed_at.isoformat(), text.shingles.tobytes(), text.figures.tobytes()),
        ).lastrowid
        self._connection.executemany(
            "INSERT OR IGNORE INTO bands VALUES (?, ?)", [(band, number) for band in text.bands]
        )

    def clear(self) -> None:
        """Forget everything: another topic is read."""
        self._connection.execute("DELETE FROM texts")
        self._connection.execute("DELETE FROM bands")

    def _similar(self, text: Sketch) -> Iterator[_Similar]:
        rows = self._connection.execute(
            f"""SELECT family, observed_at, shingles, figures FROM texts JOIN (
                SELECT number, count(*) AS shared FROM bands WHERE band IN ({", ".join("?" * len(text.bands))})
                GROUP BY number ORDER BY shared DESC, number LIMIT ?) USING (number)""",  # noqa: S608  # only marks
            (*text.bands, _COMPARED),
        )
        for family, observed_at, shingles, figures in rows:
            known = Prints(np.frombuffer(shingles, np.uint32), np.frombuffer(figures, np.uint32))
            if text.is_copy_of(known):
                yield _Similar(family, observed_at, text.covered_by(known))
