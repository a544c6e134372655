"""Write what is generated from the code: docs/schemas, asyncapi.json and these pages. `--check` only compares."""

import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faststream.specification import AsyncAPI
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr, TypeAdapter
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from shared import events, observability
from shared.broker import faststream_broker
from shared.observability import project_version
from shared.settings import BrokerSettings
from shared.topics import ALL_TOPICS, ARTICLES, CHANGES, CHECKPOINTS, OBSERVATIONS, OBSERVED_ARTICLES, POSITIONS
from stance_service.alerts.subscriber import declare
from stance_service.exports.tables import TABLES

DOCS = Path(__file__).parent
TYPES: dict[str, Any] = {
    ARTICLES.name: events.ArticleEvent,
    OBSERVATIONS.name: events.ObservationEvent,
    OBSERVED_ARTICLES.name: events.ObservedArticle,
    POSITIONS.name: events.Timeline,
    CHANGES.name: events.StanceChange,
    CHECKPOINTS.name: events.Checkpoint,
}
EVENTS = {topic: TypeAdapter[Any](event) for topic, event in TYPES.items()}
SETTINGS = (
    ("Both services", "shared.settings"),
    ("ingest-service", "ingest_service.settings"),
    ("ingest-service, fetching", "ingest_service.fetching.settings"),
    ("stance-service", "stance_service.settings"),
)


def generated() -> dict[Path, str]:
    """Every generated file and what it must hold."""
    files = {DOCS / "schemas" / f"{topic}.json": schema(topic) for topic in EVENTS}
    pages = {"settings.md": settings(), "topics.md": topics(), "metrics.md": metrics(), "asyncapi.json": asyncapi()}
    pages["columns.md"] = columns()
    return files | {DOCS / name: content for name, content in pages.items()}


def schema(topic: str) -> str:
    """The JSON Schema of a topic's values."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:stancewatch:schema:{topic}"}
    return json.dumps(head | EVENTS[topic].json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


def topics() -> str:
    """All topics as a table."""
    rows = [
        f"| `{topic.name}` | {topic.holds} | {topic.key} | {topic.partitions} "
        f"| {'compacted' if topic.compacted else topic.retention or 'for ever'} |"
        for topic in ALL_TOPICS
    ]
    head = ["# Topics", "", "Generated from `shared/topics.py` by `make generated`.", ""]
    return "\n".join([*head, "| topic | value | key | partitions | kept |", "|---|---|---|---|---|", *rows]) + "\n"


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


def columns() -> str:
    """The columns of all exports."""
    lines = ["# Columns of exports", "", "Generated from `stance_service/exports/tables.py` by `make generated`."]
    for table, own in TABLES.items():
        lines += ["", f"## {table}", "", "| column | kind | meaning |", "|---|---|---|"]
        lines += [f"| `{each.name}` | {each.kind} | {each.meaning} |" for each in own]
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """All metrics as a table."""
    found = [each for each in vars(observability).values() if isinstance(each, MetricWrapperBase)]
    rows = [
        f"| `{metric.name}{'_total' if metric.type == 'counter' else ''}` | {metric.type} "
        f"| {', '.join(wrapper._labelnames)} | {metric.documentation} |"
        for wrapper in found
        for metric in wrapper.describe()
    ]
    head = ["# Metrics", "", "Generated from `shared/observability.py` by `make generated`.", ""]
    return "\n".join([*head, "| metric | kind | labels | meaning |", "|---|---|---|---|", *rows]) + "\n"


def settings() -> str:
    """All settings as tables."""
    lines = ["# Settings", "", "Environment variables. Generated from the code by `make generated`."]
    for title, module in SETTINGS:
        lines += ["", f"## {title}", "", "| variable | default | meaning |", "|---|---|---|"]
        lines += [row for model in _models(module) for row in _rows(model)]
    return "\n".join(lines) + "\n"


def _models(module: str) -> Iterator[type[BaseSettings]]:
    found = importlib.import_module(module)
    for value in vars(found).values():
        if inspect.isclass(value) and issubclass(value, BaseSettings) and value.__module__ == module:
            yield value


def _rows(model: type[BaseSettings]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = "" if default in (None, "", PydanticUndefined) else f"`{default}`"
        variable = f"{model.model_config['env_prefix']}{name}".upper()
        yield f"| `{variable}` | {shown} | {field.description or ''} |"


def main() -> None:
    """Write, or with `--check` fail if something differs."""
    stale = []
    for path, content in generated().items():
        if not path.exists() or path.read_text() != content:
            stale.append(path)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
    if stale and "--check" in sys.argv:
        names = ", ".join(str(path.relative_to(DOCS.parent)) for path in stale)
        sys.exit(f"these files differ from the code: {names}. Run `make generated` and look at the difference.")


if __name__ == "__main__":
    main()
