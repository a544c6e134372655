"""Stance changes as CloudEvents 1.0, in the binary mode of the Kafka binding: attributes are headers `ce_...`."""

from collections.abc import Iterable

from shared.errors import PermanentError
from shared.events import StanceChange

SOURCE = "/stancewatch/stance-service"
TYPE = "org.stancewatch.stance.change.{kind}.v1"
SCHEMA = "urn:stancewatch:schema:stance.changes.v1"


def to_kafka(change: StanceChange) -> tuple[bytes, list[tuple[str, str | bytes | None]], bytes]:
    """Key, headers and value of the record. The event's id is the change's: repeats can be told."""
    attributes = {
        "specversion": "1.0",
        "id": change.id,
        "source": SOURCE,
        "type": TYPE.format(kind=change.kind.value),
        "subject": f"{change.actor}/{change.axis}",
        "time": change.detected_at.isoformat().replace("+00:00", "Z"),
        "dataschema": SCHEMA,
        "partitionkey": change.actor,
    }
    headers: list[tuple[str, str | bytes | None]] = [
        (f"ce_{name}", value.encode()) for name, value in attributes.items()
    ]
    headers.append(("content-type", b"application/json"))
    return change.actor.encode(), headers, change.model_dump_json().encode()


def from_kafka(headers: Iterable[tuple[str, str | bytes | None]] | None, value: bytes | None) -> StanceChange:
    """The change in a record; raises PermanentError if the record is no CloudEvent of ours."""
    known = {name: item.decode(errors="replace") if isinstance(item, bytes) else item for name, item in headers or ()}
    if known.get("ce_specversion") != "1.0":
        raise PermanentError("the record is no CloudEvent 1.0 in binary mode")
    try:
        change = StanceChange.model_validate_json(value or b"")
    except ValueError as error:
        raise PermanentError(f"the CloudEvent {known.get('ce_id')} holds no stance change: {error}") from error
    if known.get("ce_id") != change.id:
        raise PermanentError(f"the CloudEvent's id {known.get('ce_id')} is not its change's, {change.id}")
    return change
