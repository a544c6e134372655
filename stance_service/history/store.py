"""The bitemporal store: what was believed on day R of day V. Only this package knows SQL.

It is fed from the topics and holds nothing else: it may be deleted and is then rebuilt. How far each partition was
read is stored in the same transaction as what was read, so repeats and crashes change nothing. What was known at a
past instant is folded from the records recorded until then; it never changes, whatever comes later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.dead_letters import Record
from shared.events import OBSERVATION_EVENT, Axis, Observation, Position, Slug, StanceChange, Timeline, Withdrawal
from shared.ids import digest
from stance_service.belief import Parameters
from stance_service.history import tables
from stance_service.history.database import begun, connect, prepare
from stance_service.ledger import next_recorded_at
from stance_service.timeline import fold

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of one of the tracker's topics, and what it says."""

    record: Record
    event: Observation | Withdrawal | Timeline | StanceChange


class History:
    """The store in an SQLite file or a PostgreSQL database, created if missing. Several processes may use it at once.

    Raises TransientError where the database does not answer, PermanentError where it refuses us.
    """

    def __init__(self, url: str, parameters: Parameters | None = None, password: str = "") -> None:
        self._parameters = parameters or Parameters()
        self._engine = connect(url, password)
        prepare(self._engine)

    def close(self) -> None:
        """Gives its connections back."""
        self._engine.dispose()

    def progress(self) -> dict[tuple[str, int], int]:
        """The next offset to read, by topic and partition."""
        with begun(self._engine) as connection:
            return {(row.topic, row.partition): row.next_offset for row in connection.execute(select(tables.progress))}

    def clear(self) -> None:
        """Forgets everything, to be rebuilt from the topics."""
        with begun(self._engine) as connection:
            for table in tables.METADATA.sorted_tables:
                connection.execute(delete(table))

    def write(self, entries: Sequence[Entry]) -> None:
        """Stores what isn't stored yet, all or nothing. Entries of a partition are in their order on the topic."""
        with begun(self._engine) as connection:
            new = _advance(connection, entries)
            _insert(connection, tables.records, _record_rows(connection, new))
            _insert(connection, tables.timelines, _timeline_rows(new))
            _insert(connection, tables.changes, _change_rows(new))

    def timelines(
        self, actor: Slug | None = None, axis: Axis | None = None, known_at: datetime | None = None
    ) -> list[Timeline]:
        """Those with positions, by actor and axis: the latest published or, with `known_at`, what was known then."""
        found = self._latest(actor) if known_at is None else self._fold(actor, known_at)
        return sorted(
            (each for each in found if each.positions and axis in {None, each.axis}),
            key=lambda each: (each.actor, each.axis),
        )

    def position(self, actor: Slug, axis: Axis, held_at: datetime, known_at: datetime | None = None) -> Position | None:
        """The position of an instant as known at another; None: nothing was known of that time."""
        for known in self.timelines(actor, axis, known_at):
            for position in known.positions:
                if position.held_from <= held_at and (position.held_until is None or held_at < position.held_until):
                    return position
        return None

    def records(
        self, actor: Slug | None = None, known_at: datetime | None = None
    ) -> dict[Slug, list[Observation | Withdrawal]]:
        """What was read of each actor until an instant, in recorded order."""
        return {who: [record for record, _ in found] for who, found in self._recorded(actor, known_at)}

    def recorded(self, actor: Slug | None = None) -> tuple[datetime, datetime] | None:
        """When the first and the last record of an actor were read; None: there is none."""
        at = tables.records.c.recorded_at
        query = select(func.min(at), func.max(at))
        if actor is not None:
            query = query.where(tables.records.c.actor == actor)
        with begun(self._engine) as connection:
            first, last = connection.execute(query).one()
        return None if first is None else (first, last)

    def changes(
        self, actor: Slug | None = None, axis: Axis | None = None, known_at: datetime | None = None
    ) -> list[StanceChange]:
        """In the order in which they were published."""
        query = select(tables.changes.c.event).order_by(
            tables.changes.c.emitted_at_ms, tables.changes.c.partition, tables.changes.c.offset
        )
        if actor is not None:
            query = query.where(tables.changes.c.actor == actor)
        if axis is not None:
            query = query.where(tables.changes.c.axis == axis)
        with begun(self._engine) as connection:
            found = [StanceChange.model_validate_json(row.event) for row in connection.execute(query)]
        return [each for each in found if known_at is None or each.detected_at <= known_at]

    def _latest(self, actor: Slug | None) -> list[Timeline]:
        last = select(
            tables.timelines.c.actor,
            tables.timelines.c.axis,
            func.max(tables.timelines.c.recorded_at).label("recorded_at"),
        )
        newest = last.group_by(tables.timelines.c.actor, tables.timelines.c.axis).subquery()
        query = select(tables.timelines.c.event).join(
            newest,
            (tables.timelines.c.actor == newest.c.actor)
            & (tables.timelines.c.axis == newest.c.axis)
            & (tables.timelines.c.recorded_at == newest.c.recorded_at),
        )
        if actor is not None:
            query = query.where(tables.timelines.c.actor == actor)
        with begun(self._engine) as connection:
            return [Timeline.model_validate_json(row.event) for row in connection.execute(query)]

    def _fold(self, actor: Slug | None, known_at: datetime) -> Iterator[Timeline]:
        for _, found in self._recorded(actor, known_at):
            for known in fold((record for record, _ in found), self._parameters).values():
                yield known.model_copy(update={"recorded_at": found[-1][1]})

    def _recorded(
        self, actor: Slug | None, known_at: datetime | None
    ) -> Iterator[tuple[Slug, list[tuple[Observation | Withdrawal, datetime]]]]:
        query = select(tables.records).order_by(tables.records.c.actor, tables.records.c.recorded_at)
        if actor is not None:
            query = query.where(tables.records.c.actor == actor)
        if known_at is not None:
            query = query.where(tables.records.c.recorded_at <= known_at)
        with begun(self._engine) as connection:
            for who, rows in groupby(connection.execute(query), attrgetter("actor")):
                yield who, [(OBSERVATION_EVENT.validate_json(row.event), row.recorded_at) for row in rows]


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Those whose key is new."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _advance(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Moves the progress past the entries; those that it hadn't passed yet."""
    partitions = sorted({(entry.record.topic, entry.record.partition) for entry in entries})
    # SQLite locks at the first write, PostgreSQL the rows selected: two processes never both find an entry new.
    _insert(connection, tables.progress, [{"topic": t, "partition": p, "next_offset": 0} for t, p in partitions])
    known = {
        (row.topic, row.partition): row.next_offset
        for row in connection.execute(select(tables.progress).order_by(*tables.progress.primary_key).with_for_update())
    }
    new: list[Entry] = []
    for entry in entries:
        partition = entry.record.topic, entry.record.partition
        if entry.record.offset >= known[partition]:
            known[partition] = entry.record.offset + 1
            new.append(entry)
    for topic, number in partitions:
        here = (tables.progress.c.topic == topic) & (tables.progress.c.partition == number)
        connection.execute(update(tables.progress).where(here).values(next_offset=known[topic, number]))
    return new


def _record_rows(connection: Connection, entries: Iterable[Entry]) -> list[dict[str, object]]:
    """The observations and withdrawals not stored yet, each with its own instant of recorded time."""
    events: dict[str, Observation | Withdrawal] = {}
    for entry in entries:
        if isinstance(entry.event, Observation | Withdrawal):
            events.setdefault(_identity(entry.event), entry.event)
    table = tables.records
    known = {
        row.id
        for ids in _chunks(list(events))
        for row in connection.execute(select(table.c.id).where(table.c.id.in_(ids)))
    }
    latest = select(table.c.actor, func.max(table.c.recorded_at).label("recorded_at")).group_by(table.c.actor)
    actors = sorted({each.actor for each in events.values()})
    recorded = {
        row.actor: row.recorded_at
        for chunk in _chunks(actors)
        for row in connection.execute(latest.where(table.c.actor.in_(chunk)))
    }
    rows: list[dict[str, object]] = []
    for id_, record in events.items():
        if id_ not in known:
            at = recorded[record.actor] = next_recorded_at(recorded.get(record.actor), record.observed_at)
            rows.append({"id": id_, "actor": record.actor, "recorded_at": at, "event": record.model_dump_json()})
    return rows


def _identity(record: Observation | Withdrawal) -> str:
    if isinstance(record, Observation):
        return record.id
    return digest("withdrawal", record.model_dump(include={"actor", "article_id", "revision"}))


def _timeline_rows(entries: Iterable[Entry]) -> list[dict[str, object]]:
    return [
        {"actor": it.actor, "axis": it.axis, "recorded_at": it.recorded_at, "event": it.model_dump_json()}
        for it in (entry.event for entry in entries)
        if isinstance(it, Timeline)
    ]


def _change_rows(entries: Iterable[Entry]) -> list[dict[str, object]]:
    return [
        {
            "id": entry.event.id,
            "actor": entry.event.actor,
            "axis": entry.event.axis,
            "emitted_at_ms": entry.record.written_at_ms,
            "partition": entry.record.partition,
            "offset": entry.record.offset,
            "event": entry.event.model_dump_json(),
        }
        for entry in entries
        if isinstance(entry.event, StanceChange)
    ]


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """A statement takes only so many parameters."""
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
