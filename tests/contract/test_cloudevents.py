"""Stance changes are CloudEvents to an independent implementation."""

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from shared.cloudevents import from_kafka, to_kafka
from shared.errors import PermanentError
from shared.events import Basis, Cause, ChangeKind, Position, StanceChange, midnight
from shared.ids import digest


def change() -> StanceChange:
    position = Position(
        polarity=-1,
        held_from=midnight(2020, 9, 25),
        held_until=None,
        evidenced_until=midnight(2020, 9, 25),
        probability=0.97,
        count=1,
        observations=(digest("observation", {"name": "a"}),),
    )
    cause = Cause(
        observation=position.observations[0],
        polarity=-1,
        basis=Basis.ACTED,
        confidence=0.9,
        evidence="Das „Offene“ in OpenAI",
        held_at="2020-09",
        published_at=midnight(2020, 9, 25),
        article_id=digest("article", {"name": "a"}),
        revision=1,
        classifier="test-1",
    )
    return StanceChange(
        id=digest("change", {"name": "a"}),
        kind=ChangeKind.SHIFT,
        actor="openai",
        axis="openness",
        before=None,
        after=position,
        effective_at=position.held_from,
        detected_at=midnight(2026, 3, 1),
        probability=0.97,
        causes=(cause,),
        parameters="hmm-1",
    )


def test_another_implementation_reads_our_events() -> None:
    sent = change()
    key, headers, value = to_kafka(sent)
    plain = {name: item if isinstance(item, bytes) else (item or "").encode() for name, item in headers}
    event = from_kafka_event(KafkaMessage(headers=plain, key=key, value=value))
    assert (event.get_id(), event.get_source(), event.get_subject()) == (
        sent.id,
        "/stancewatch/stance-service",
        "openai/openness",
    )
    assert event.get_type() == "org.stancewatch.stance.change.shift.v1"
    assert event.get_time() == sent.detected_at
    assert event.get_datacontenttype() == "application/json"
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["causes"][0]["evidence"] == "Das „Offene“ in OpenAI"


def test_an_event_read_back_is_the_change() -> None:
    _, headers, value = to_kafka(change())
    assert from_kafka(headers, value) == change()


def test_the_key_keeps_an_actors_changes_in_order() -> None:
    assert to_kafka(change())[0] == b"openai"


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (None, b"{}"),
        ([("ce_specversion", b"0.3")], b"{}"),
        ([("ce_specversion", b"1.0"), ("ce_id", b"x")], b"{"),
        ([("ce_specversion", b"1.0"), ("ce_id", b"x")], change().model_dump_json().encode()),
        ([("ce_specversion", b"\xff")], None),
    ],
)
def test_what_is_no_event_of_ours_is_refused(
    headers: list[tuple[str, str | bytes | None]] | None, value: bytes
) -> None:
    with pytest.raises(PermanentError):
        from_kafka(headers, value)
