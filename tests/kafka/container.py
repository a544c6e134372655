"""Apache Kafka in a container, from the official image or one like it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testcontainers.core.container import DockerContainer

from shared.broker import create_topics
from shared.settings import BrokerSettings
from tests import images
from tests.kafka.apache import HOST, START_SECONDS, free_port
from tests.kafka.configuration import CLUSTER, HEAP, VERSION, properties

IMAGE = os.environ.get("STANCE_TEST_KAFKA_IMAGE", f"apache/kafka:{VERSION}")
_JAVA = f"java {' '.join(HEAP)} -cp '/opt/kafka/libs/*'"


def missing() -> str | None:
    """Why there can be no such container here; None: there can."""
    return images.missing(IMAGE)


@contextmanager
def contained(folder: Path) -> Iterator[str]:
    """The address of a broker in a container, gone with its data at the end."""
    port = free_port()
    own = {
        "listeners": "CLIENTS://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"CLIENTS://{HOST}:{port}",
        "controller.quorum.voters": "1@localhost:9093",
        "log.dirs": "/tmp/kafka-data",
    }
    (folder / "server.properties").write_text(properties(own))
    folder.chmod(0o755)  # the user in the container is another one
    configuration = "/configuration/server.properties"
    start = (
        f"{_JAVA} kafka.tools.StorageTool format -t {CLUSTER} -c {configuration} && "
        f"exec {_JAVA} kafka.Kafka {configuration}"
    )
    container = DockerContainer(IMAGE).with_bind_ports(9092, port).with_command(["sh", "-c", start])
    with container.with_volume_mapping(folder, "/configuration"):
        create_topics(BrokerSettings(kafka_bootstrap_servers=f"{HOST}:{port}"), [], seconds=START_SECONDS)  # it answers
        yield f"{HOST}:{port}"
