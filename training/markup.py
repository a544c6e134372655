"""Read the hand-written training passages of `training/data/written/*.txt`.

A passage starts with a header line `# LANGUAGE` (`# LANGUAGE ~` marks a variant of the passage before
it), then one sentence a line, then a blank line. Mentions stand in braces: `{o1|Ondrava}` is a name of
organisation o1, `{p1=she}` a pronoun or description of person p1. Positions that a sentence shows
follow it: `<o1 o+ acted; p1 p- stated; o2 p+ alleged p1>` (o openness, p profit).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
AXES = {"o": "openness", "p": "profit"}
_HEADER = re.compile(r"^# (\w\w)( ~)?$")
_MENTION = re.compile(r"\{([op]\d)([|=])([^{}|]+)\}")
_LABELS = re.compile(r"\s*<([^<>]*)>\s*$")
_LABEL = re.compile(r"^([op]\d) ([op])([+-]) (?:(stated|acted)|alleged ([op]\d))$")


class MarkupError(ValueError):
    """A passage that breaks the format; names file and line."""


@dataclass(frozen=True)
class Mention:
    actor: str
    start: int
    end: int
    is_name: bool


@dataclass(frozen=True)
class Label:
    actor: str
    axis: str
    polarity: int
    basis: str
    alleged_by: str | None


@dataclass(frozen=True)
class Sentence:
    text: str
    mentions: tuple[Mention, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Passage:
    language: str
    is_variant: bool
    sentences: tuple[Sentence, ...]


def parse_sentence(line: str, where: str) -> Sentence:
    labels: list[Label] = []
    if found := _LABELS.search(line):
        line = line[: found.start()]
        for part in filter(None, (p.strip() for p in found[1].split(";"))):
            match = _LABEL.match(part)
            if not match:
                raise MarkupError(f"{where}: cannot read label {part!r}")
            actor, axis, sign, own, source = match.groups()
            labels.append(Label(actor, AXES[axis], 1 if sign == "+" else -1, own or "alleged", source))
    text, mentions, last = "", [], 0
    for match in _MENTION.finditer(line):
        text += line[last : match.start()]
        mentions.append(Mention(match[1], len(text), len(text) + len(match[3]), match[2] == "|"))
        text += match[3]
        last = match.end()
    text += line[last:]
    if re.search(r"[{}<>|]", text):
        raise MarkupError(f"{where}: stray markup in {text!r}")
    return Sentence(text, tuple(mentions), tuple(labels))


def read(path: Path) -> Iterator[Passage]:
    """Yield the passages of a file; raises MarkupError at the first that breaks the format."""
    block: list[tuple[int, str]] = []
    lines = [*enumerate(path.read_text(encoding="utf-8").splitlines(), 1), (0, "")]
    for number, line in lines:
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield _passage(path, block)
            block = []


def _passage(path: Path, block: list[tuple[int, str]]) -> Passage:
    where = f"{path.name}:{block[0][0]}"
    header = _HEADER.match(block[0][1])
    if not header or header[1] not in LANGUAGES:
        raise MarkupError(f"{where}: expected a header such as '# en', found {block[0][1]!r}")
    sentences = tuple(parse_sentence(line, f"{path.name}:{number}") for number, line in block[1:])
    named = {m.actor for s in sentences for m in s.mentions if m.is_name}
    used = {m.actor for s in sentences for m in s.mentions} | {
        a for s in sentences for label in s.labels for a in (label.actor, label.alleged_by) if a
    }
    if missing := used - named:
        raise MarkupError(f"{where}: no name {{key|Name}} for {sorted(missing)}")
    return Passage(header[1], bool(header[2]), sentences)


def main(paths: list[str]) -> int:
    """Check files and print what they hold."""
    for name in paths:
        passages = list(read(Path(name)))
        texts = Counter(" ".join(s.text for s in p.sentences) for p in passages)
        labels = Counter(
            f"{x.axis[0]}{'+' if x.polarity > 0 else '-'}{' alleged' if x.alleged_by else ''}"
            for p in passages
            for s in p.sentences
            for x in s.labels
        )
        empty = sum(not any(s.labels for s in p.sentences) for p in passages)
        print(
            f"{name}: {len(passages)} passages, {empty} without a position, "
            f"{sum(n - 1 for n in texts.values())} repeated, {dict(sorted(labels.items()))}, "
            f"{dict(Counter(p.language for p in passages))}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
