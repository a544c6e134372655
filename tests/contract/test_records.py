"""Records decoded fast are what pydantic makes of them, and refused where it refuses them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.events import OBSERVATION_EVENT, Observation, Withdrawal
from stance_service.records import ObservationRecord, decode
from tests.properties.strategies import records
from tests.stances import observation, withdrawal


def outcome(read: Callable[[bytes], Any], value: bytes) -> object:
    try:
        found = read(value)
    except ValidationError:
        return None
    kind: type[Observation | Withdrawal] = (
        Observation if isinstance(found, Observation | ObservationRecord) else Withdrawal
    )
    names = set(kind.model_fields) - {"type", "evidence"}
    fields = {name: getattr(found, name) for name in names}
    return kind, fields, [getattr(getattr(found, "evidence", None), each, None) for each in ("start", "end", "text")]


def assert_alike(value: bytes) -> None:
    assert outcome(decode, value) == outcome(OBSERVATION_EVENT.validate_json, value)


@given(records)
def test_what_the_services_write_is_read_alike(record: Observation | Withdrawal) -> None:
    value = record.model_dump_json().encode()
    assert outcome(decode, value) == outcome(lambda _: record, value)


VALUES: dict[str, list[object]] = {
    "instant": ["2024-03-13T10:00:00.1234567Z", "2024-03-13T10:00:00.9999999Z", "2024-03-13T12:00:00+02:00",
                "2024-03-13T10:00:00", "2024-03-13 10:00Z", "2024-03-13", 1710324000, "0001-01-01T00:00:00+10:00",
                "2024-02-30T00:00:00Z", "2024-03-13T10:00:60Z", None],
    "digest": ["0" * 64, "A" * 64, "0" * 63, "0" * 64 + "\n", "", 7, None],
    "slug": ["openai", "a-b", "a--b", "-a", "a-", "Ä", "a" * 200, "a" * 201, "a\n", "", None],
    "axis": ["openness", "a_1", "1a", "a" * 64, "a" * 65, "a\n", "", None],
    "number": [0, 1, -1, 2, 1.0, 0.5, 10**30, "1", "0.5", True, None, "x"],
    "text": ["", "Ä", "a", None, 3],
    "held_at": ["2016", "2016-13", "2016~", "2015/2018", "2018/2015", "..", "1999-02-29", "", None, 2016],
    "flag": [True, False, "true", 1, 0, None, "x"],
    "evidence": [{"start": 0, "end": 1, "text": "a"}, {"start": 0, "end": 2, "text": "a"}, {"start": 0, "end": 0},
                 {"start": -1, "end": 0, "text": "a"}, {"start": 0, "end": 1, "text": "😀"}, [], None],
    "basis": ["stated", "acted", "alleged", "rumoured", None],
    "type": ["observation", "withdrawal", "article", None],
}  # fmt: skip
KINDS = {
    "id": "digest", "article_id": "digest", "duplicate_of": "digest", "actor": "slug", "alleged_by": "slug",
    "axis": "axis", "polarity": "number", "confidence": "number", "revision": "number", "published_at": "instant",
    "observed_at": "instant", "held_at": "held_at", "title": "text", "url": "text", "classifier": "text",
    "more": "flag", "evidence": "evidence", "basis": "basis", "type": "type", "unknown": "text",
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("whole", [observation(held_at="2016"), withdrawal()])
def test_each_unusual_value_is_read_or_refused_alike(name: str, whole: Observation | Withdrawal) -> None:
    usual = json.loads(whole.model_dump_json())
    for value in VALUES[KINDS[name]]:
        assert_alike(json.dumps(usual | {name: value}).encode())
    assert_alike(json.dumps({key: value for key, value in usual.items() if key != name}).encode())


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(VALUES[kind]) for name, kind in KINDS.items()}))
def test_unusual_values_together_are_read_or_refused_alike(fields: dict[str, object]) -> None:
    assert_alike(json.dumps(json.loads(observation().model_dump_json()) | fields).encode())


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"{", b"\xff", b'{"type": "observation"}', b'{"type": 1}'])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    assert outcome(decode, value) is None
