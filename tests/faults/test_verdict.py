"""The comparison that all scenarios rest on notices what it has to."""

from collections.abc import Callable
from copy import deepcopy
from itertools import islice

import pytest

from tests.faults.client import Row
from tests.faults.load import histories
from tests.faults.verdict import Published, differences, undisturbed

SEED = 1


@pytest.fixture(scope="module")
def right() -> Published:
    rows = [Row(it.actor.encode(), it.model_dump_json().encode()) for it in islice(histories(SEED), 600)]
    return undisturbed({0: rows})


def most_positions(published: Published) -> list[bytes]:
    return max(published.positions.values(), key=len)


def lose_a_change(found: Published) -> None:
    del found.changes[0][3]


def repeat_a_change(found: Published) -> None:
    found.changes[0].insert(3, found.changes[0][1])


def swap_changes(found: Published) -> None:
    changes = found.changes[0]
    changes[1], changes[2] = changes[2], changes[1]


def alter_a_change(found: Published) -> None:
    found.changes[0][2] = Row(found.changes[0][2].key, (found.changes[0][2].value or b"") + b" ")


def lose_the_last_position(found: Published) -> None:
    most_positions(found).pop()


def repeat_a_position(found: Published) -> None:
    most_positions(found).insert(2, most_positions(found)[0])


def lag_behind(found: Published) -> None:
    found.offsets[0] -= 1


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lose_a_change, "1 lost, 0 twice"),
        (repeat_a_change, "0 lost, 1 twice"),
        (swap_changes, "the first difference is number 1"),
        (alter_a_change, "1 lost, 1 twice or unexpected"),
        (lose_the_last_position, "not the last of"),
        (repeat_a_position, "again or out of order"),
        (lag_behind, "committed to 599, not 600"),
    ],
)
def test_a_difference_is_noticed(right: Published, spoil: Callable[[Published], None], complaint: str) -> None:
    found = deepcopy(right)
    spoil(found)
    (line,) = differences(right, found)
    assert complaint in line


def test_positions_may_be_published_for_several_observations_at_once(right: Published) -> None:
    found = deepcopy(right)
    del most_positions(found)[1:-1]
    assert differences(right, found) == []
