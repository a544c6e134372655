"""How well copies are found: `python -m benchmarks.dedupe`.

Generated pairs: every article of `training/data` with a copy for each way in which newsrooms change what they take
over, all in one index. Hand-made pairs: `benchmarks/data/copies.yaml`, in both orders, with other texts that come
close. Peers: the Jaccard index of the same shingles alone, and trafilatura's Simhash, each at the threshold that is
best for it on these pairs.
"""

import json
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table
from trafilatura.deduplication import Simhash

from ingest_service.dedupe import Duplicates
from ingest_service.similarity import sketch
from shared.events import Article
from shared.ids import digest

ROOT = Path(__file__).parent.parent
_START = datetime(2024, 3, 1, tzinfo=UTC)
_BOILERPLATE = (
    "Readers of our morning letter get stories such as this one every day before seven.",
    "This article is part of our series on technology and society, supported by our readers.",
    "Have you seen something we should know about? Write to our newsroom in confidence.",
)


@dataclass(frozen=True)
class Score:
    """Of decisions on whether a text is a copy. `led`: of those that were right, the ones led to the first text."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    led: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong or 1)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed or 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / (2 * self.right + self.wrong + self.missed or 1)

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.right + other.right, self.wrong + other.wrong, self.missed + other.missed, self.led + other.led
        )


@dataclass(frozen=True)
class Pair:
    """Two texts, and whether the later one is a copy of the earlier."""

    earlier: str
    later: str
    copied: bool


def bodies() -> list[str]:
    """The articles of the training data."""
    files = sorted((ROOT / "training" / "data").glob("train-?.jsonl"))
    return [json.loads(line)["body"] for file in files for line in file.read_text().splitlines()]


def headline_and_byline(text: str, _: random.Random) -> str:
    return f"What the announcement means\n\nBy our correspondent\n\n(Agency) {text}"


def truncated(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    return " ".join(words[: round(len(words) * rng.uniform(0.3, 0.8))])


def paragraphs_dropped(text: str, rng: random.Random) -> str:
    paragraphs = text.split("\n\n")
    kept = sorted(rng.sample(range(len(paragraphs)), max(1, round(len(paragraphs) * rng.uniform(0.5, 0.8)))))
    return "\n\n".join(paragraphs[at] for at in kept)


def boilerplate_inserted(text: str, rng: random.Random) -> str:
    paragraphs = text.split("\n\n")
    for line in _BOILERPLATE:
        paragraphs.insert(rng.randint(0, len(paragraphs)), line)
    return "\n\n".join(paragraphs)


def lightly_edited(text: str, rng: random.Random) -> str:
    """One word in twenty goes or becomes another."""
    words = text.split(" ")
    choices = ("", "also", words[rng.randrange(len(words))])
    return " ".join(rng.choice(choices) if rng.random() < 0.05 else word for word in words)


def everything(text: str, rng: random.Random) -> str:
    return headline_and_byline(boilerplate_inserted(lightly_edited(paragraphs_dropped(text, rng), rng), rng), rng)


WAYS: tuple[Callable[[str, random.Random], str], ...] = (
    headline_and_byline, truncated, paragraphs_dropped, boilerplate_inserted, lightly_edited, everything,
)  # fmt: skip


def generated(texts: Iterable[str]) -> dict[str, Score]:
    """By way of copying. Articles and copies come in random order; a family is led by whichever came first."""
    rng = random.Random(7)  # noqa: S311
    stream = [(number, "article", text) for number, text in enumerate(texts)]
    stream += [(number, way.__name__, way(text, rng)) for number, _, text in list(stream) for way in WAYS]
    rng.shuffle(stream)
    index = Duplicates(sqlite3.connect(":memory:"))
    story: dict[str, int] = {}
    first: dict[int, str] = {}
    scores: dict[str, Score] = defaultdict(Score)
    for at, (number, way, text) in enumerate(stream):
        article = _article(text, at)
        prints = sketch(text)
        found = index.original(article.article_id, prints)
        index.add(article.model_copy(update={"duplicate_of": found}), prints)
        scores[way] += Score(
            right=int(found is not None and story[found] == number),
            wrong=int(found is not None and story[found] != number),
            missed=int(found is None and number in first),
            led=int(found is not None and found == first.get(number)),
        )
        story[article.article_id] = number
        first.setdefault(number, article.article_id)
    return dict(scores)


def handmade() -> list[Pair]:
    """All pairs within each story, in both orders."""
    return [
        pair for story in yaml.safe_load((ROOT / "benchmarks/data/copies.yaml").read_text()) for pair in _pairs(story)
    ]


def found_in_index(pair: Pair) -> bool:
    """Our own decision."""
    index = Duplicates(sqlite3.connect(":memory:"))
    index.add(_article(pair.earlier, 0), sketch(pair.earlier))
    return index.original("later", sketch(pair.later)) is not None


def score(pairs: Iterable[Pair], copied: Callable[[Pair], bool]) -> Score:
    """Of a way to decide."""
    total = Score()
    for pair in pairs:
        said = copied(pair)
        total += Score(int(said and pair.copied), int(said and not pair.copied), int(not said and pair.copied))
    return total


def _pairs(story: dict[str, object]) -> Iterator[Pair]:
    copies, others = story["copies"], story["others"]
    assert isinstance(copies, dict)
    assert isinstance(others, dict)
    family = [str(story["text"]), *copies.values()]
    for one, other in combinations(family, 2):
        yield from (Pair(one, other, True), Pair(other, one, True))
    for one, other in product(family, others.values()):
        yield from (Pair(one, other, False), Pair(other, one, False))


def _article(text: str, at: int) -> Article:
    observed_at = _START + timedelta(minutes=at)
    return Article(
        article_id=digest("article", {"at": at}), revision=1, source="benchmark", title="", body=text, language="en",
        published_at=observed_at, published_origin="fetched", observed_at=observed_at,
        raw_digest=digest("raw", {"text": text}), normaliser="benchmark",
    )  # fmt: skip


def _jaccard(pair: Pair) -> float:
    one, other = sketch(pair.earlier), sketch(pair.later)
    if one is None or other is None:
        return 0.0
    shared = one.covered_by(other) * len(one.shingles)
    return shared / (len(one.shingles) + len(other.shingles) - shared)


def _simhash(pair: Pair) -> float:
    return float(Simhash(pair.earlier).similarity(Simhash(pair.later)))


def _best(pairs: list[Pair], similarity: Callable[[Pair], float]) -> Score:
    alike = {pair: similarity(pair) for pair in pairs}
    thresholds = sorted(set(alike.values()))
    scores = (score(pairs, lambda pair, least=least: alike[pair] >= least) for least in thresholds)  # type: ignore[misc]
    return max(scores, key=lambda found: found.f1)


def main() -> None:
    """Print both tables and the rate."""
    console = Console(width=120)
    texts = bodies()
    started = time.process_time()
    scores = generated(texts)
    seconds = time.process_time() - started
    table = Table(
        "generated",
        "texts",
        "precision",
        "recall",
        "led to the first",
        title=f"{len(texts)} articles, {len(WAYS)} copies of each",
    )
    for way, found in [*scores.items(), ("all", sum(scores.values(), Score()))]:
        count = found.right + found.wrong + found.missed
        led = f"{found.led / found.right:.4f}"
        table.add_row(way.replace("_", " "), str(count), f"{found.precision:.4f}", f"{found.recall:.4f}", led)
    console.print(
        table, f"{len(texts) * (1 + len(WAYS)) / seconds:,.0f} texts looked up and added in a second of one core"
    )
    pairs = handmade()
    copies = sum(pair.copied for pair in pairs)
    table = Table("hand-made", "precision", "recall", "F1", title=f"{copies} copies, {len(pairs) - copies} other pairs")
    for name, found in (
        ("this index", score(pairs, found_in_index)),
        ("Jaccard index, best threshold", _best(pairs, _jaccard)),
        ("trafilatura's Simhash, best threshold", _best(pairs, _simhash)),
    ):
        table.add_row(name, f"{found.precision:.4f}", f"{found.recall:.4f}", f"{found.f1:.4f}")
    console.print(table)


if __name__ == "__main__":
    main()
