"""The YAML file of sources: what is polled, where, and how often."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from shared.errors import PermanentError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigurationError(PermanentError):
    """The file of sources is wrong; its message has a line for each problem."""


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+)\s*([smhd])", value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0 or len(match[1]) > 6:
        raise ValueError("it must be a number with s, m, h or d, such as 15m or 6h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _web_address(value: str) -> str:
    if urlsplit(value).scheme.lower() not in {"http", "https"} or not urlsplit(value).hostname:
        raise ValueError("it must begin with http:// or https:// and name a host")
    return value


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration)]
WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address)]


class Entry(BaseModel):
    """Part of the file; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Entry):
    """The time from one poll to the next: shorter while there is news, longer while there is none."""

    least: Duration = timedelta(minutes=5)
    most: Duration = timedelta(hours=6)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError("`least` must not be longer than `most`")
        return self


class SourceEntry(Entry):
    """What all kinds have; the name is that of the articles' `source`."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
    every: Interval = Interval()


class FeedEntry(SourceEntry):
    """An RSS, Atom or JSON feed."""

    kind: Literal["feed"]
    url: WebAddress
    always_fetch: bool = False
    """Read the page of an item even if the feed seems to hold all of its text."""
    pages_a_round: PositiveInt = 200
    """More pages than that wait for the next round."""


class SitemapEntry(SourceEntry):
    """A sitemap, a news sitemap or an index of them."""

    kind: Literal["sitemap"]
    url: WebAddress
    pages_a_round: PositiveInt = 200


class PagesEntry(SourceEntry):
    """Single pages, each an article."""

    kind: Literal["pages"]
    urls: Annotated[tuple[WebAddress, ...], Field(min_length=1)]


class FilesEntry(SourceEntry):
    """A file or folder; read again when something in it has changed."""

    kind: Literal["files"]
    path: Path
    every: Interval = Interval(least=timedelta(seconds=10), most=timedelta(minutes=5))


AnyEntry: TypeAlias = Annotated[FeedEntry | SitemapEntry | PagesEntry | FilesEntry, Field(discriminator="kind")]


class Configuration(Entry):
    """The whole file."""

    allow_private: tuple[str, ...] = ()
    """Hosts that may have private addresses."""
    sources: tuple[AnyEntry, ...]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        twice = [name for name, count in Counter(entry.name for entry in self.sources).items() if count > 1]
        if twice:
            raise ValueError(f"two sources are named {twice[0]!r}; names must differ")
        return self


def read_configuration(path: Path) -> Configuration:
    """The file of sources; relative paths in it are below its folder. Raises ConfigurationError."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    try:
        return _below(path.parent, Configuration.model_validate(content if content is not None else {}))
    except ValidationError as error:
        problems = [_problem(path, root, problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ConfigurationError("\n".join(problems)) from error


def _below(folder: Path, read: Configuration) -> Configuration:
    entries = [
        entry.model_copy(update={"path": folder / entry.path}) if isinstance(entry, FilesEntry) else entry
        for entry in read.sources
    ]
    return read.model_copy(update={"sources": tuple(entries)})


def _problem(path: Path, root: yaml.Node | None, place: Sequence[int | str], message: str) -> str:
    return f"{path}:{_line(root, place)}: {_field(place)}{message.removeprefix('Value error, ')}"


def _field(place: Sequence[int | str]) -> str:
    """`sources[1].every.least: `; the tag that pydantic puts after a number is the entry's kind."""
    named = [part for before, part in zip((None, *place), place, strict=False) if not isinstance(before, int)]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named)
    return f"{text.removeprefix('.')}: " if text else ""


def _line(node: yaml.Node | None, place: Sequence[int | str]) -> int:
    """The line of a place, or of what it should be in."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in place:
        child: yaml.Node | None = None
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
            line = child.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    child, line = value, key.start_mark.line + 1
        if child is not None:
            node = child
    return line
