"""Compare what was published with what an undisturbed tracker publishes for the same observations, byte for byte."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from shared import topics
from shared.chain import Heads
from shared.cloudevents import to_kafka
from shared.events import OBSERVATION_EVENT
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.publishing import GROUP
from stance_service.tracker import Tracker
from tests.faults import client
from tests.faults.client import Row


@dataclass
class Published:
    """The tracker's output: changes by partition, positions by key in the order of their partition, and offsets."""

    changes: dict[int, list[Row]] = field(default_factory=dict)
    positions: dict[bytes, list[bytes]] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)


def undisturbed(observations: Mapping[int, Sequence[Row]], parked: Collection[tuple[int, int]] = ()) -> Published:
    """What one tracker that nothing happens to publishes, had it committed after each record.

    `parked`: partition and offset of records that don't count.
    """
    found = Published(offsets={number: len(rows) for number, rows in observations.items() if rows})
    for number, rows in observations.items():
        tracker, heads = Tracker(Parameters()), Heads()
        changes = found.changes.setdefault(number, [])
        for offset, row in enumerate(rows):
            if (number, offset) in parked:
                continue
            outputs = tracker.apply([OBSERVATION_EVENT.validate_json(row.value or b"")])
            for change in heads.link(outputs.changes):
                key, headers, value = to_kafka(change)
                changes.append(Row(key, value, tuple((name, _bytes(item)) for name, item in headers)))
            for (actor, axis), known in outputs.timelines.items():
                found.positions.setdefault(f"{actor}/{axis}".encode(), []).append(known)
    return found


def published(settings: BrokerSettings) -> Published:
    """What is committed now."""
    found = Published(
        changes=client.rows(settings, topics.CHANGES), offsets=client.committed(settings, GROUP, topics.OBSERVATIONS)
    )
    for rows in client.rows(settings, topics.POSITIONS).values():
        for row in rows:
            found.positions.setdefault(row.key or b"", []).append(row.value or b"")
    return found


def differences(expected: Published, found: Published) -> list[str]:
    """A line for each way in which the two differ; empty: nothing lost, nothing twice, the order kept.

    Positions are published a batch at a time, so some of the expected ones may be left out, but never a key's last.
    """
    return [
        *(
            line
            for number in sorted(expected.changes.keys() | found.changes.keys())
            for line in _changes(number, expected.changes.get(number, []), found.changes.get(number, []))
        ),
        *(
            line
            for key in sorted(expected.positions.keys() | found.positions.keys())
            for line in _positions(key.decode(), expected.positions.get(key, []), found.positions.get(key, []))
        ),
        *(
            f"offsets: partition {number} committed to {found.offsets.get(number)}, not {expected.offsets.get(number)}"
            for number in sorted(expected.offsets.keys() | found.offsets.keys())
            if expected.offsets.get(number) != found.offsets.get(number)
        ),
    ]


def verify(settings: BrokerSettings, sent: int, story: str, parked: Collection[tuple[int, int]] = ()) -> None:
    """Fails with `story` and all differences unless the topics hold what an undisturbed run leaves."""
    _wait_for_open_transactions(settings)
    observations = client.rows(settings, topics.OBSERVATIONS)
    expected = undisturbed(observations, parked)
    assert sum(expected.offsets.values()) == sent, "the load itself was not published exactly once"
    assert all(expected.changes.values()), "the load is too small: not every partition announced something"
    found = differences(expected, published(settings))
    assert not found, "\n".join([f"{len(found)} differences after {story}", *found[:20]])


def _wait_for_open_transactions(settings: BrokerSettings) -> None:
    """Those of the dead end when their time is over; until then they hide what was committed after them."""
    deadline = time.monotonic() + client.SECONDS
    for topic in (topics.CHANGES, topics.POSITIONS):
        while client.ends(settings, topic, "read_committed") != client.ends(settings, topic):
            assert time.monotonic() < deadline, f"a transaction on {settings.topic(topic)} is never ended"
            time.sleep(0.2)


def _changes(number: int, expected: list[Row], found: list[Row]) -> Iterator[str]:
    if expected == found:
        return
    lost, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    place = next(at for at, (one, other) in enumerate(zip_longest(expected, found)) if one != other)
    yield (
        f"changes, partition {number}: {sum(lost.values())} lost, {sum(extra.values())} twice or unexpected, of "
        f"{len(expected)}; the first difference is number {place}, "
        f"{_shown(expected, place)} expected, {_shown(found, place)} found"
    )


def _positions(key: str, expected: list[bytes], found: list[bytes]) -> Iterator[str]:
    rest = iter(expected)
    for place, value in enumerate(found):
        if value not in rest:  # consumes the iterator: what follows has to come later
            why = "again or out of order" if value in expected else "never expected"
            yield f"positions, {key}: number {place} is {why}: {value[:300].decode()}"
            return
    if found[-1:] != expected[-1:]:
        yield f"positions, {key}: the last is number {len(found)}, and not the last of {len(expected)} expected"


def _shown(rows: list[Row], place: int) -> str:
    return (rows[place].value or b"")[:300].decode() if place < len(rows) else "nothing"


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
