"""The topics as a contract: JSON Schemas of their values, and an AsyncAPI 3 document of all of them."""

import json
from typing import Any

from faststream.specification import AsyncAPI
from pydantic import TypeAdapter

from shared import events
from shared.faststream_broker import faststream_broker
from shared.observability import project_version
from shared.settings import BrokerSettings
from shared.topics import ALL_TOPICS, ARTICLES, CHANGES, CHECKPOINTS, OBSERVATIONS, OBSERVED_ARTICLES, POSITIONS
from stance_service.alerts.subscriber import declare

TYPES: dict[str, Any] = {
    ARTICLES.name: events.ArticleEvent,
    OBSERVATIONS.name: events.ObservationEvent,
    OBSERVED_ARTICLES.name: events.ObservedArticle,
    POSITIONS.name: events.Timeline,
    CHANGES.name: events.StanceChange,
    CHECKPOINTS.name: events.Checkpoint,
}
EVENTS = {topic: TypeAdapter[Any](event) for topic, event in TYPES.items()}


def schema(topic: str) -> str:
    """The JSON Schema of a topic's values."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:stancewatch:schema:{topic}"}
    return json.dumps(head | EVENTS[topic].json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


def asyncapi() -> str:
    """Every topic that the services write, and the subscription of `alert`, as an AsyncAPI 3 document."""
    defaults = BrokerSettings.model_construct(kafka_bootstrap_servers="localhost:9092")
    kafka = faststream_broker(defaults)
    for topic in ALL_TOPICS:
        told = f"{topic.holds}. Key: {topic.key}."
        if topic is CHANGES:
            told += " CloudEvents 1.0, binary mode: the attributes are headers ce_..., see docs/subscribe.md."
        kafka.publisher(topic.name, title=topic.name, description=told, schema=TYPES.get(topic.name, bytes))
    declare(kafka, defaults, _alert)
    document = AsyncAPI(kafka, title="Stancewatch", version=project_version(), schema_version="3.0.0")
    return json.dumps(document.to_specification().to_jsonable(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


async def _alert(change: events.StanceChange) -> None:
    """What a subscriber reads."""


def documents() -> dict[str, str]:
    """All of them, by the path that they are served at."""
    return {"/asyncapi.json": asyncapi()} | {f"/schemas/{topic}.json": schema(topic) for topic in EVENTS}
