"""Every topic, once: key, partitions, retention, compaction."""

from dataclasses import dataclass
from datetime import timedelta

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""The largest record that the topics and all our clients accept."""


@dataclass(frozen=True)
class Topic:
    """A topic as it is created. `retention` None: kept for ever, for auditors to replay."""

    name: str
    holds: str
    key: str
    partitions: int
    retention: timedelta | None = None
    compacted: bool = False
    consumed: bool = True  # by us: its bad records need a place

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's words."""
        kept = -1 if self.retention is None else int(self.retention.total_seconds() * 1000)
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(kept),
            "retention.bytes": "-1",
            "max.message.bytes": str(MAX_RECORD_BYTES),
        }

    @property
    def dead(self) -> "Topic":
        """Where records of this topic are parked that cannot be processed."""
        return Topic(
            f"{self.name}.dead", f"records of {self.name} parked as unprocessable", self.key, 1, consumed=False
        )


ARTICLES = Topic("articles.v1", "Article or Retraction", key="article_id", partitions=6)
OBSERVATIONS = Topic("stance.observations.v1", "Observation or Withdrawal", key="actor", partitions=6)
OBSERVED_ARTICLES = Topic(
    "stance.observed-articles.v1", "ObservedArticle", key="article_id", partitions=6, compacted=True, consumed=False
)
POSITIONS = Topic("stance.positions.v1", "Timeline", key="actor/axis", partitions=6, compacted=True)
CHANGES = Topic("stance.changes.v1", "StanceChange as CloudEvent", key="actor", partitions=6)
CHECKPOINTS = Topic("stance.checkpoints.v1", "Checkpoint", key="topic of the changes", partitions=1, consumed=False)
RAW_DOCUMENTS = Topic(
    "articles.raw.v1",
    "the bytes that an article was found in",
    key="raw_digest",
    partitions=6,
    compacted=True,
    consumed=False,
)

TOPICS = (ARTICLES, OBSERVATIONS, OBSERVED_ARTICLES, POSITIONS, CHANGES, CHECKPOINTS)
"""Those that hold events."""
ALL_TOPICS = (*TOPICS, RAW_DOCUMENTS, *(topic.dead for topic in TOPICS if topic.consumed))
