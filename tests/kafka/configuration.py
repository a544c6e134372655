"""The configuration of a single Apache Kafka broker for tests: KRaft, quick to rebalance, small."""

from collections.abc import Mapping

CLUSTER = "c3RhbmNld2F0Y2gtdGVzdA"
VERSION = "4.3.1"
HEAP = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOGGING = ("-Dorg.apache.logging.log4j.level=WARN",)

_ALWAYS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENTS",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,FAULTY:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "broker.session.timeout.ms": "5000",  # a broker that was killed may not come back before
    "broker.heartbeat.interval.ms": "1000",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "log.message.timestamp.after.max.ms": "9223372036854775807",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.index.size.max.bytes": "1048576",
}


def properties(own: Mapping[str, str]) -> str:
    """The text of a `server.properties`: `own` (listeners, folders) over what all our test brokers share."""
    return "".join(f"{name}={value}\n" for name, value in (_ALWAYS | dict(own)).items())
