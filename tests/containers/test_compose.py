"""The compose file as an operator runs it: build, start, articles in, changes out, scale, kill, stop."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml

from shared import topics
from shared.events import OBSERVATION_EVENT, StanceChange
from shared.settings import BrokerSettings
from stance_service.observe_loop import GROUP as OBSERVERS
from stance_service.publishing import GROUP as TRACKERS
from tests.broker.test_transactions import announced, expected
from tests.broker.topic_io import read, wait_until_read
from tests.containers import engine
from tests.containers.engine import ROOT, Project, docker, up

pytestmark = [pytest.mark.containers, pytest.mark.slow]
SEEDS = ROOT / "seeds"
PATIENCE_SECONDS = 600.0
SERVICES = ("ingest", "observe", "track", "history", "serve")
MAX_BYTES = 700_000_000
MUST_LACK = "gcc cc g++ make pip pip3"


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    if (reason := engine.missing()) is not None:
        pytest.skip(f"NOT TESTED IN CONTAINERS: {reason}")
    with up("stancewatch-test") as running:
        yield running


@pytest.fixture
def outside(project: Project) -> BrokerSettings:
    """Kafka as programs beside the containers reach it."""
    return BrokerSettings(kafka_bootstrap_servers=f"localhost:{project.kafka_port}")


def seeds(copy: str = "") -> list[dict[str, str]]:
    """The seed articles; as a copy, under another id and with another sentence at the end."""
    known = yaml.safe_load((SEEDS / "manifest.yaml").read_text())["articles"]
    return [
        {
            "id": name + copy,
            "title": about.get("title", ""),
            "body": Path(SEEDS / name).read_text() + copy,
            "published_at": str(about["published_at"]),
            "language": about["language"],
        }
        for name, about in known.items()
    ]


def send(project: Project, articles: list[dict[str, str]]) -> list[str]:
    token = (ROOT / "secrets" / "ingest-token").read_text()
    answer = httpx2.post(
        f"http://localhost:{project.ingest_port}/articles",
        content=json.dumps(articles),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        timeout=PATIENCE_SECONDS,
    )
    assert answer.status_code == 202, answer.text
    return [each["status"] for each in answer.json()["articles"]]


def settle(kafka: BrokerSettings) -> list[StanceChange]:
    """All changes, once every article and observation is processed; they are those that the fold yields."""
    assert wait_until_read(kafka, OBSERVERS, topics.ARTICLES, PATIENCE_SECONDS)
    assert wait_until_read(kafka, TRACKERS, topics.OBSERVATIONS, PATIENCE_SECONDS)
    records = [OBSERVATION_EVENT.validate_json(each.value or b"") for each in read(kafka, topics.OBSERVATIONS)]
    changes = announced(read(kafka, topics.CHANGES))
    assert changes == expected(records)
    return [change for each in changes.values() for change in each]


def test_seeds_sent_over_http_become_changes_that_are_read_from_outside(
    project: Project, outside: BrokerSettings
) -> None:
    assert set(send(project, seeds())) == {"published"}
    assert settle(outside)
    assert set(send(project, seeds())) == {"unchanged"}
    shown = project.compose("exec", "--no-TTY", "history", "stance-service", "timeline")
    assert "openai" in shown


def test_more_workers_share_the_load_and_others_take_over_from_those_that_are_killed(
    project: Project, outside: BrokerSettings
) -> None:
    project.compose("up", "--detach", "--no-recreate", "--wait", "--scale", "observe=3", "--scale", "track=3")
    before = len(settle(outside))
    send(project, seeds(copy=" Nothing else was announced on the day."))
    victims = [project.containers(service)[0]["Id"] for service in ("observe", "track")]
    docker("kill", "--signal", "KILL", *victims)
    assert len(settle(outside)) >= before


@pytest.mark.parametrize("service", ["ingest", "track"])
def test_an_image_is_small_without_root_or_compiler_and_says_what_is_inside(project: Project, service: str) -> None:
    image = project.image(service)
    assert image["Size"] < MAX_BYTES
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Labels"]["org.opencontainers.image.title"]
    assert image["Config"]["Healthcheck"]["Test"][-1] == "health"

    def inside(script: str) -> str:
        return docker("run", "--rm", "--read-only", "--entrypoint", "sh", image["Id"], "-c", script)

    assert inside(f"for tool in {MUST_LACK}; do command -v $tool; done; true") == ""
    parts = {each["name"] for each in json.loads(inside("cat /app/sbom.cdx.json"))["components"]}
    assert {"confluent-kafka", "pydantic"} <= parts
    assert not parts & {"torch", "pytest", "mypy"}


def test_asked_to_stop_every_service_ends_in_time_and_without_error(project: Project) -> None:
    names = [each["Id"] for service in SERVICES for each in project.containers(service) if each["State"]["Running"]]
    docker("stop", "--time", "10", *names)
    ended = {each["Name"]: each["State"]["ExitCode"] for each in json.loads(docker("inspect", *names))}
    assert set(ended.values()) == {0}, ended
