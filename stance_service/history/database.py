"""The database of the history: how it is reached, and its tables in the version that this code knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, create_engine, delete, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from shared.errors import PermanentError, TransientError
from stance_service.history import tables

VERSION: Final = 1
"""Of the tables. Raise it with every change of theirs: older ones are then made anew, see `prepare`."""

_version = Table("history_version", MetaData(), Column("number", Integer, primary_key=True))
_LOCK: Final = 7_236_180
"""Any number that nobody else locks in this database."""
_CONNECT_SECONDS: Final = 10
_ALLOWED: Final = "allowed are sqlite:///FILE and postgresql://USER@HOST/DATABASE"


def connect(url: str, password: str = "") -> Engine:
    """An engine for SQLite or PostgreSQL, which has not connected yet. Raises PermanentError for any other address."""
    engine = create_engine(_address(url, password), **_options(url))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def prepare(engine: Engine) -> None:
    """Create the tables. Older ones are dropped: who feeds the store fills them from the topics again.

    Processes that prepare at the same time take turns. Raises PermanentError if the tables are of a newer version.
    """
    with begun(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        _version.create(connection, checkfirst=True)
        found = connection.scalar(select(_version.c.number))
        if found == VERSION:
            return
        if found is not None and found > VERSION:
            raise PermanentError(
                f"STANCE_HISTORY_URL={engine.url}: the store has version {found}, this program knows {VERSION}. "
                "Start the newer program, or give this one a store of its own."
            )
        tables.METADATA.drop_all(connection)
        tables.METADATA.create_all(connection)
        connection.execute(delete(_version))
        connection.execute(_version.insert().values(number=VERSION))


@contextmanager
def begun(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end. What the database refuses is told with the setting that names it."""
    try:
        with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except DatabaseError as error:
        kind = TransientError if isinstance(error, OperationalError) else PermanentError
        raise kind(f"STANCE_HISTORY_URL={engine.url}: {str(error.orig).strip()}. {_hint(engine)}") from error


def _hint(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "Its folder (STANCE_DATA_DIR, if no address is set) must be one that we may write to and that has room."
    return "Check the address, the password, the rights of the user, and that the database runs and has room."


def _address(url: str, password: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise PermanentError(f"STANCE_HISTORY_URL is no address of a database; {_ALLOWED}") from error
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise PermanentError(f"STANCE_HISTORY_URL: {address.drivername} is not supported; {_ALLOWED}")
    # A password without PostgreSQL is fine: which of both is used is decided in one place, the address.
    return address.set(password=password) if password and address.drivername != "sqlite" else address


def _options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {}
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _CONNECT_SECONDS}}


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers don't wait for the writer
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()
