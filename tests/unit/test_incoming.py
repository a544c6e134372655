"""Which observations are tracked, which are refused, and which nobody can read."""

import json
from datetime import datetime, timedelta

import pytest

from stance_service.incoming import UnreadableError, read
from stance_service.observe import RefusedError
from tests.stances import NOON, observation, withdrawal

WRITTEN = int(NOON.timestamp() * 1000)
AXES = ("openness", "profit")


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(observation().model_dump_json()) | fields).encode()


def test_what_can_be_true_is_tracked() -> None:
    assert read(b"openai", changed(), WRITTEN, AXES).actor == "openai"
    assert read(b"openai", withdrawal().model_dump_json().encode(), WRITTEN, AXES).revision == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", 1.5),
        ("confidence", -0.1),
        ("published_at", "0001-01-01T00:00:00Z"),
        ("published_at", "1799-12-31T00:00:00Z"),
        ("published_at", "2024-06-04T00:00:00Z"),
        ("observed_at", "2024-06-04T00:00:00Z"),
        ("observed_at", "2001-01-01T00:00:00Z"),
        ("held_at", "0999"),
        ("held_at", "2031"),
        ("axis", "weather"),
    ],
)
def test_what_can_not_be_true_is_refused(field: str, value: object) -> None:
    # An article can't be observed long before it is published: one of the two clocks is wrong.
    with pytest.raises(RefusedError, match="published_at" if value == "2001-01-01T00:00:00Z" else field):
        read(b"openai", changed(**{field: value}), WRITTEN, AXES)


def test_a_withdrawal_from_the_future_is_refused() -> None:
    late = withdrawal(observed_at=NOON + timedelta(days=3)).model_dump_json().encode()
    with pytest.raises(RefusedError, match="observed_at"):
        read(b"openai", late, WRITTEN, AXES)


@pytest.mark.parametrize("held_at", ["../2018", "1066", "2024-06", "2024-06-03", None])
def test_a_time_long_ago_or_without_a_beginning_is_no_reason_to_refuse(held_at: str | None) -> None:
    assert read(b"openai", changed(held_at=held_at), WRITTEN, AXES).actor == "openai"


def test_any_axis_is_taken_where_none_is_configured() -> None:
    assert read(b"openai", changed(axis="weather"), WRITTEN, None).actor == "openai"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"openai", None, "no value"),
        (b"openai", b"{", "JSON"),
        (b"openai", b'{"type": "observation"}', "Field required"),
        (b"openai", changed(confidence="much"), "confidence"),
        (b"openai", changed(confidence=2, polarity=3), "polarity"),
        (b"meta", changed(), "its key is b'meta', its actor 'openai'"),
        (None, changed(), "its key is None"),
    ],
)
def test_what_nobody_can_read_is_told_apart(key: bytes | None, value: bytes | None, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(key, value, WRITTEN, AXES)


def test_clocks_may_be_apart_by_a_day() -> None:
    at = datetime.fromisoformat("2024-06-02T11:00:00Z")
    assert read(b"openai", observation(observed_at=at).model_dump_json().encode(), WRITTEN, AXES).observed_at == at
