"""Whatever is done to recorded changes is noticed, and what nothing was done to is not complained about."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.canonical import canonical
from shared.chain import Heads
from shared.cloudevents import to_kafka
from shared.dead_letters import Record
from shared.events import Checkpoint, Observation, StanceChange, Withdrawal, midnight
from stance_service.audit.chains import PartitionChains
from stance_service.audit.comparison import Comparison
from stance_service.audit.findings import Finding, Place
from stance_service.audit.recompute import recompute
from stance_service.audit.seals import Sealed
from stance_service.belief import Parameters
from stance_service.tracker import Tracker
from tests.properties.strategies import histories

GOLDEN = StanceChange.model_validate_json(
    (Path(__file__).parents[1] / "data" / "golden" / "events" / "stance.changes.v1" / "shift.json").read_bytes()
)
TOPIC = "stance.changes.v1"
finite = st.floats(allow_nan=False, allow_infinity=False)
small = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | small | finite | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)
seeds = st.lists(st.tuples(st.sampled_from(["openai", "meta"]), st.floats(0, 1)), min_size=2, max_size=8)


@given(values)
def test_the_fast_canonical_form_is_the_canonical_form(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def recorded(changes: list[StanceChange]) -> list[Record]:
    found = []
    for offset, change in enumerate(changes):
        key, headers, value = to_kafka(change)
        plain = tuple((name, item.encode() if isinstance(item, str) else item) for name, item in headers)
        found.append(Record(TOPIC, 0, offset, key, value, plain, 0))
    return found


def verified(records: list[Record], sealed: Sealed) -> list[Finding]:
    chains = PartitionChains(0)
    found = [*sealed.reached(chains)]
    for record in records:
        found += [*chains.take(record), *sealed.reached(chains)]
    return [*found, *sealed.ended(chains)]


def checkpoint(records: list[Record]) -> Checkpoint:
    chains = PartitionChains(0)
    for record in records:
        assert chains.take(record) == []
    return Checkpoint(
        sequence=1,
        previous=None,
        topic=TOPIC,
        partitions=(chains.seal(),),
        signed_at=midnight(2024),
        key="0" * 16,
        signature="",
    )


def announced(drawn: list[tuple[str, float]], unlinked: int) -> list[Record]:
    """Changes of some actors with some probabilities; so many of them from before changes were chained."""
    changes = [
        GOLDEN.model_copy(update={"id": f"{number:064x}", "actor": actor, "probability": probability})
        for number, (actor, probability) in enumerate(drawn)
    ]
    heads, early = Heads(), changes[:unlinked]
    for change in early:
        heads.saw(change.actor, change.model_dump_json().encode())
    return recorded([*early, *heads.link(changes[unlinked:])])


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
        return
    for name, each in items:
        yield from leaves(each, (*path, name))


def other(value: Any) -> Any:
    """Another value, of the same type if it has one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float | int):
        return value / 2 + 0.1 if isinstance(value, float) else value + 1
    return "x" if value is None else f"{value}x"


def with_one_leaf_altered(record: Record, choice: int) -> Record:
    content = json.loads(record.value or b"")
    paths = list(leaves(content))
    *parents, last = paths[choice % len(paths)]
    inner = content
    for name in parents:
        inner = inner[name]
    inner[last] = other(inner[last])
    return replace(record, value=json.dumps(content).encode())


@given(seeds, st.integers(0, 8))
def test_what_nothing_was_done_to_is_whole(drawn: list[tuple[str, float]], unlinked: int) -> None:
    records = announced(drawn, unlinked)
    assert verified(records, Sealed.of_changes([checkpoint(records)], TOPIC)) == []


@given(seeds, st.integers(0, 8), st.integers(0), st.integers(0))
def test_any_altered_value_is_noticed(drawn: list[tuple[str, float]], unlinked: int, which: int, choice: int) -> None:
    records = announced(drawn, unlinked)
    sealed = Sealed.of_changes([checkpoint(records)], TOPIC)
    which %= len(records)
    records[which] = with_one_leaf_altered(records[which], choice)
    assert verified(records, sealed)


@given(seeds, st.integers(0, 8), st.integers(0))
def test_any_removed_change_is_noticed(drawn: list[tuple[str, float]], unlinked: int, which: int) -> None:
    records = announced(drawn, unlinked)
    sealed = Sealed.of_changes([checkpoint(records)], TOPIC)
    del records[which % len(records)]
    assert verified(records, sealed)


@given(seeds, st.integers(0, 8), st.integers(0), st.integers(0))
def test_any_change_that_is_put_in_again_is_noticed(
    drawn: list[tuple[str, float]], unlinked: int, which: int, where: int
) -> None:
    records = announced(drawn, unlinked)
    sealed = Sealed.of_changes([checkpoint(records)], TOPIC)
    records.insert(where % (len(records) + 1), records[which % len(records)])
    assert verified(records, sealed)


@given(seeds, st.integers(0, 8), st.integers(0), st.integers(0))
def test_any_two_swapped_changes_of_an_actor_are_noticed(
    drawn: list[tuple[str, float]], unlinked: int, one: int, another: int
) -> None:
    records = announced(drawn, unlinked)
    sealed = Sealed.of_changes([checkpoint(records)], TOPIC)
    one, another = one % len(records), another % len(records)
    assume(one != another and records[one].key == records[another].key)
    records[one], records[another] = records[another], records[one]
    assert verified(records, sealed)


@given(histories, st.lists(st.integers(0, 24), min_size=3, max_size=3).map(sorted))
def test_what_a_tracker_recorded_so_far_is_what_recomputing_gives(
    seen: list[Observation | Withdrawal], cuts: list[int]
) -> None:
    settled, tracked, read = (min(cut, len(seen)) for cut in cuts)
    outputs = Tracker(Parameters()).apply(seen[:tracked])
    records = recorded(Heads().link(outputs.changes))
    timelines = {
        f"{actor}/{axis}": Record("stance.positions.v1", 0, 0, None, value, (), 0)
        for (actor, axis), value in outputs.timelines.items()
    }
    values = {key: record.value or b"" for key, record in timelines.items()}
    right = recompute(enumerate(seen[:read]), settled, Parameters(), values)
    comparison = Comparison(Parameters().version)
    comparison.compare_changes(Place(TOPIC, 0), records, right)
    comparison.compare_timelines("stance.positions.v1", timelines, right)
    comparison.compare_unexpected(timelines, right.timelines.keys() | right.later)
    assert comparison.findings == []
    assert comparison.changes == len(records)
