"""Observations such as years of news bring: a few actors in every paper, many seldom heard of; reproducible."""

import json
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import accumulate
from random import Random
from typing import Final

ACTORS: Final = 500
AXES: Final = ("openness", "profit")
FIRST: Final = date(2005, 1, 1).toordinal()
LAST: Final = date(2025, 1, 1).toordinal()
TURNS_PER_YEAR: Final = 0.2
_STARTED: Final = datetime(2025, 1, 1, tzinfo=UTC)
_WORDS: Final = (
    "we will open the model to everybody because nobody should own what all of us have made said the founder before "
    "investors who asked about revenue and margins while the board kept silent on whether weights are ever published"
).split()


class Workload:
    """Endless. News arrive in the order of time, except for a share that is late, from any time before."""

    def __init__(self, length: int, late: float = 0.1, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311
        self._length = length
        self._late = late
        self._popularity = list(accumulate(1 / rank for rank in range(1, ACTORS + 1)))
        self._turns: dict[tuple[int, str], list[int]] = {}
        self._articles: list[str] = []

    def records(self, start: int, count: int) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of the next `count` of `length` records; `start`: how many there were before."""
        for number in range(start, start + count):
            actor = bisect(self._popularity, self._random.random() * self._popularity[-1])
            yield f"actor-{actor}".encode(), json.dumps(self._record(number, actor), separators=(",", ":")).encode()

    def _record(self, number: int, actor: int) -> dict[str, object]:
        random = self._random
        day = FIRST + (LAST - FIRST) * number // self._length
        if random.random() < self._late:
            day = random.randint(FIRST, day)
        observed_at = (_STARTED + timedelta(milliseconds=number)).isoformat().replace("+00:00", "Z")
        article = sha256(f"{number}".encode()).hexdigest()
        if self._articles and random.random() < 0.01:
            withdrawn = {"article_id": random.choice(self._articles), "revision": 2, "observed_at": observed_at}
            return {"type": "withdrawal", "actor": f"actor-{actor}"} | withdrawn
        if random.random() < 0.05:
            self._articles.append(article)
        return {"type": "observation", "id": sha256(f"o{number}".encode()).hexdigest(), "actor": f"actor-{actor}"} | (
            self._position(actor, day) | {"article_id": article, "revision": 1, "observed_at": observed_at}
        )

    def _position(self, actor: int, day: int) -> dict[str, object]:
        random, axis = self._random, self._random.choice(AXES)
        confidence = round(random.uniform(0.55, 0.97), 3)
        polarity = 1 if bisect(self._truth(actor, axis), day) % 2 else -1
        held_at = random.choice((None, None, None, "day", "month", "year"))
        at = date.fromordinal(day).isoformat()
        evidence = " ".join(random.choices(_WORDS, k=random.randint(6, 30)))
        return {
            "axis": axis,
            "polarity": polarity if random.random() < confidence else -polarity,
            "basis": random.choice(("stated", "stated", "acted")),
            "confidence": confidence,
            "evidence": {"start": 20, "end": 20 + len(evidence), "text": evidence},
            "held_at": {"day": at, "month": at[:7], "year": at[:4]}[held_at] if held_at else None,
            "published_at": f"{at}T09:30:00Z",
            "title": f"What was said on {at}",
            "url": f"https://news.example.org/{at}/{random.randrange(10**9)}",
            "classifier": "benchmark:1",
        }

    def _truth(self, actor: int, axis: str) -> list[int]:
        """The days on which an actor turns."""
        if (actor, axis) not in self._turns:
            own = Random(f"{actor}/{axis}")  # noqa: S311
            turns = [FIRST - own.randrange(2)]
            while turns[-1] < LAST:
                turns.append(turns[-1] + max(1, int(own.expovariate(TURNS_PER_YEAR) * 365)))
            self._turns[actor, axis] = turns
        return self._turns[actor, axis]
