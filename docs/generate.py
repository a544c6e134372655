"""Write what is generated from the code: docs/schemas, asyncapi.json and these pages. `--check` only compares."""

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from shared import observability
from shared.topics import ALL_TOPICS
from stance_service.api.contract import EVENTS, asyncapi, schema
from stance_service.exports.tables import TABLES

DOCS = Path(__file__).parent
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


def topics() -> str:
    """All topics as a table."""
    rows = [
        f"| `{topic.name}` | {topic.holds} | {topic.key} | {topic.partitions} "
        f"| {'compacted' if topic.compacted else topic.retention or 'for ever'} |"
        for topic in ALL_TOPICS
    ]
    head = ["# Topics", "", "Generated from `shared/topics.py` by `make generated`.", ""]
    return "\n".join([*head, "| topic | value | key | partitions | kept |", "|---|---|---|---|---|", *rows]) + "\n"


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
