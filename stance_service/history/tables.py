"""The tables of the history."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, MetaData, String, Table, Text, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """UTC, as microseconds since 1970: every database orders them alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


METADATA = MetaData()
progress = Table(
    "progress",
    METADATA,
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)
records = Table(
    "records",
    METADATA,
    Column("id", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Index("records_by_actor", "actor", "recorded_at"),
)
timelines = Table(
    "timelines",
    METADATA,
    Column("actor", String, primary_key=True),
    Column("axis", String, primary_key=True),
    Column("recorded_at", Instant, primary_key=True),
    Column("event", Text, nullable=False),
)
changes = Table(
    "changes",
    METADATA,
    Column("id", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("axis", String, nullable=False),
    Column("emitted_at_ms", BigInteger, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Index("changes_in_order", "emitted_at_ms", "partition", "offset"),
)
