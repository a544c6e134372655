"""A topic of articles in memory, that can fail."""

from collections.abc import Iterator, Mapping, Sequence

from ingest_service.topic import Entry, Place, Read
from shared.errors import BrokerUnavailableError
from shared.events import ARTICLE_EVENT, Article, Retraction
from shared.topics import ARTICLES

PARTITIONS = 2


class MemoryTopic:
    """Keeps what is written. `broken`: refuse; `mute`: take it, but fail before saying so."""

    def __init__(self) -> None:
        self.name = "one"
        self.broken = False
        self.mute = False
        self.writes = 0
        self.others: list[Entry] = []
        self.partitions: list[list[bytes]] = [[] for _ in range(PARTITIONS)]

    @property
    def events(self) -> list[Article | Retraction]:
        """What is on it."""
        return [ARTICLE_EVENT.validate_json(value) for partition in self.partitions for value in partition]

    def identity(self) -> str:
        self._require()
        return self.name

    def ends(self) -> dict[int, int]:
        self._require()
        return {number: len(partition) for number, partition in enumerate(self.partitions)}

    def read(self, start: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Read]:
        for number, partition in enumerate(self.partitions):
            for offset in range(start.get(number, 0), ends[number]):
                yield Read(number, offset, ARTICLE_EVENT.validate_json(partition[offset]))

    def write(self, entries: Sequence[Entry]) -> list[Place]:
        self._require()
        self.writes += 1
        places = [self._append(entry) for entry in entries]
        if self.mute:
            raise BrokerUnavailableError("no answer in time")
        return places

    def stop(self) -> None:
        """It never waits."""

    def _append(self, entry: Entry) -> Place:
        if entry.topic != ARTICLES.name:
            self.others.append(entry)
            return Place(entry.topic, 0, len(self.others) - 1)
        number = entry.key[0] % PARTITIONS
        self.partitions[number].append(entry.value)
        return Place(ARTICLES.name, number, len(self.partitions[number]) - 1)

    def _require(self) -> None:
        if self.broken:
            raise BrokerUnavailableError("down")
