"""What is written down is what the code does."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from shared.topics import ALL_TOPICS, TOPICS

ROOT = Path(__file__).parent.parent.parent


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED: dict[Path, str] = load().generated()


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text() == GENERATED[path], "run `make generated` and look at the difference"


def test_every_topic_has_a_schema() -> None:
    assert {path.stem for path in (ROOT / "docs" / "schemas").glob("*.json")} == {topic.name for topic in TOPICS}


def test_the_asyncapi_document_has_every_topic_and_lacks_nothing_that_it_refers_to() -> None:
    text = (ROOT / "docs" / "asyncapi.json").read_text()
    document = json.loads(text)
    assert {channel["address"] for channel in document["channels"].values()} == {topic.name for topic in ALL_TOPICS}
    assert {name for name, each in document["operations"].items() if each["action"] == "receive"} == {"alert"}
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        part = document
        for step in reference.split("/"):
            part = part[step]
