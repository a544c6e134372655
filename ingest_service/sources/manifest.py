"""`manifest.yaml`: what a folder's owner knows about its files."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from ingest_service.sources import Known
from shared.errors import BadInputError

NAME = "manifest.yaml"
FIELDS = frozenset({"title", "url", "language", "author", "publisher", "published_at"})


_NONE_READ = "the manifest can't be read, so none of its folder's files were"


class _PlainLoader(yaml.SafeLoader):
    """Leaves dates as text: a wrong one is then an error of its entry, not of the whole file."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Manifest:
    """A folder's manifest, at `path`; `entries` by path relative to the folder, not yet checked one by one."""

    path: str
    source: str
    entries: dict[str, object] = field(default_factory=dict)

    def known(self, key: str, where: str) -> Known:
        """What the manifest says of a file; raises BadInputError if what it says is wrong."""
        return read_known(self.entries.get(key) or {}, f"{where} ({self.path})")

    def unseen(self, seen: Set[str]) -> Iterator[BadInputError]:
        """Entries of files that are not there."""
        for key in sorted(self.entries.keys() - seen):
            yield BadInputError(self.path, f"it names {key!r}, but there is no such text or HTML file")


def read_manifest(folder: Path) -> Manifest:
    """The folder's manifest; without one, a manifest that knows only the source: the folder's name.

    Raises BadInputError if there is one but it can't be read.
    """
    path = folder / NAME
    default = folder.resolve().name or "files"
    try:
        return parse_manifest(path.read_bytes(), str(path), default)
    except FileNotFoundError:
        return Manifest(str(path), default)
    except OSError as error:
        raise BadInputError(str(path), f"{_NONE_READ}: {error}") from error


def parse_manifest(text: bytes, path: str, default: str) -> Manifest:
    """The manifest with this text; `default` is the source if it names none. Raises BadInputError."""
    try:
        content = yaml.load(text, _PlainLoader)  # noqa: S506  # it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(path, f"{_NONE_READ}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("articles") or {}, dict):
        form = "it must have `source: NAME` and `articles:` with an entry for each file"
        raise BadInputError(path, f"{_NONE_READ}: {form}")
    entries = {str(key): entry for key, entry in (content.get("articles") or {}).items()}
    return Manifest(path, str(content.get("source") or default), entries)


def read_known(entry: object, where: str) -> Known:
    """Check a manifest entry or the metadata of a JSON record; raises BadInputError naming the field."""
    if not isinstance(entry, dict):
        raise BadInputError(where, f"its entry must have fields such as published_at, not be {entry!r}")
    unknown = sorted(str(name) for name in entry.keys() - FIELDS)
    if unknown:
        raise BadInputError(where, f"unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}", unknown[0])
    texts = {name: value for name, value in entry.items() if name != "published_at" and value is not None}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise BadInputError(where, f"{name} must be text, not {value!r}", name)
    return Known(published_at=read_instant(entry.get("published_at"), where), **texts)


def read_instant(value: object, where: str) -> datetime | None:
    """An ISO 8601 date or time as a time; one without a zone is UTC, a date is its midnight."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadInputError(
                where, f"published_at {value!r} is no ISO 8601 date: {error}", "published_at"
            ) from error
    if not isinstance(value, datetime):
        raise BadInputError(where, f"published_at {value!r} is no ISO 8601 date such as 2024-03-13", "published_at")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
