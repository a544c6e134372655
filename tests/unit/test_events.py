"""Places in a stream, filters, and what is sent."""

import pytest

from stance_service.api.events import Change, Filter, Place, PlaceError, event, heartbeat, opening
from tests.alerting.changes import change

TAGS = {"openai": frozenset({"lab"})}


def test_a_place_is_read_back_from_the_id_of_an_event() -> None:
    place = Place((0, 12, 3)).past(1, 12).past(0, 4)
    assert str(place) == "5-13-3"
    assert Place.read(str(place), 3) == place
    assert place.past(0, 2) == place, "what was read already moves nothing"


@pytest.mark.parametrize("text", ["", "1", "1-2", "1-2-3-4", "1-2-x", "1--2", "-1-2-3", "1-2-" + "9" * 30])
def test_another_id_is_refused(text: str) -> None:
    with pytest.raises(PlaceError, match="is no id of an event"):
        Place.read(text, 3)


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Filter(), True),
        (Filter(actors={"openai", "meta"}), True),
        (Filter(actors={"meta"}), False),
        (Filter(tags={"lab"}), True),
        (Filter(tags={"politician"}), False),
        (Filter(axes={"openness"}, kinds={"shift"}), True),
        (Filter(axes={"openness"}, kinds={"revision"}), False),
    ],
)
def test_a_filter_wants_what_all_its_parts_want(wanted: Filter, is_wanted: bool) -> None:
    assert wanted.wants(change(), TAGS) is is_wanted


def test_what_is_sent_is_an_event_stream() -> None:
    place = Place((1, 2))
    assert event(Change(0, 0, change(), b'{"a": 1}'), place) == b'id: 1-2\ndata: {"a": 1}\n\n'
    assert opening(place) == b"retry: 3000\nid: 1-2\n\n"
    assert heartbeat(place) == b": nothing new\nid: 1-2\n\n"
