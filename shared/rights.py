"""What each service may do in Kafka, and nothing more: the ACLs that `stance-service topics --acls` sets. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.topics import (
    ALL_TOPICS,
    ARTICLES,
    CHANGES,
    CHECKPOINTS,
    OBSERVATIONS,
    OBSERVED_ARTICLES,
    POSITIONS,
    RAW_DOCUMENTS,
    Topic,
)

Kind = Literal["topic", "group", "transactional id"]
Operation = Literal["read", "write", "describe", "describe_configs"]


@dataclass(frozen=True)
class Role:
    """One kind of process. Names that end with `-` stand for all that begin so."""

    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    groups: tuple[str, ...] = ()
    transactional_ids: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    """Consumer groups whose progress it asks for, without joining them."""
    verifies: bool = True
    """Whether it looks at every topic's partitions and retention when it starts."""


@dataclass(frozen=True, order=True)
class Grant:
    """A user may do an operation on what has this name, or begins with it."""

    user: str
    kind: Kind
    name: str
    operation: Operation

    @property
    def prefixed(self) -> bool:
        """Whether the name is the beginning of names."""
        return self.kind != "topic" and self.name.endswith("-")


USER_PREFIX: Final = "stance-"
_DEAD: Final = (OBSERVATIONS.dead, POSITIONS.dead, CHANGES.dead)
ROLES: Final[Mapping[str, Role]] = {
    "ingest": Role((ARTICLES, RAW_DOCUMENTS), (ARTICLES, RAW_DOCUMENTS), ("ingest", "ingest-raw")),
    "observe": Role(
        (ARTICLES, OBSERVED_ARTICLES),
        (OBSERVATIONS, OBSERVED_ARTICLES, ARTICLES.dead),
        ("observe", "observed-articles"),
    ),
    "track": Role(
        (OBSERVATIONS, POSITIONS, CHANGES, *_DEAD),
        (POSITIONS, CHANGES, OBSERVATIONS.dead),
        ("tracker", "tracker-restore", "scan", "dead-letters"),
        ("tracker-",),
    ),
    "history": Role((OBSERVATIONS, POSITIONS, CHANGES, *_DEAD), (), ("history", "dead-letters")),
    "alert": Role((CHANGES,), (CHANGES.dead,), ("alert",)),
    "serve": Role((CHANGES,), (), ("serve", "scan")),
    "checkpoint": Role(
        (ARTICLES, OBSERVATIONS, CHANGES, CHANGES.dead, CHECKPOINTS),
        (CHECKPOINTS,),
        ("scan", "dead-letters"),
        ("audit-checkpoint",),
    ),
    "auditor": Role(
        (ARTICLES, OBSERVATIONS, POSITIONS, CHANGES, CHECKPOINTS, *_DEAD),
        (),
        ("scan", "dead-letters"),
        watches=("tracker",),
    ),
    "subscriber": Role((CHANGES, CHECKPOINTS), (), ("subscriber-",), verifies=False),
}
"""`subscriber` is any program of others' that reads stance changes."""


def grants(roles: Mapping[str, Role] = ROLES) -> Iterator[Grant]:
    """One for each user, thing and operation; names are without the prefix of the cluster."""
    for role, may in roles.items():
        user = USER_PREFIX + role
        yield from (Grant(user, "topic", topic.name, "read") for topic in may.reads)
        yield from (Grant(user, "topic", topic.name, "write") for topic in may.writes)
        yield from (Grant(user, "group", name, "read") for name in may.groups)
        yield from (Grant(user, "group", name, "describe") for name in may.watches)
        yield from (Grant(user, "transactional id", name, "write") for name in may.transactional_ids)
        for topic in ALL_TOPICS if may.verifies else ():
            yield Grant(user, "topic", topic.name, "describe")
            yield Grant(user, "topic", topic.name, "describe_configs")
