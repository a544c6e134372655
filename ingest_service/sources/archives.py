"""Files in gzip and zip archives, one in memory at a time; nothing is unpacked to the disk by its name.

What an archive unpacks to is metered as it is read: sizes that it declares are not believed.
"""

import gzip
import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO

from ingest_service.sources.manifest import NAME
from shared.errors import BadInputError, PermanentError

MAX_ARCHIVE_BYTES = 1024**4
_RATIO = 250
"""News as text packs to a tenth; deflate's limit, which bombs come close to, is a thousandth."""
_FREE = 64 * 1024 * 1024
_DEEPEST = 2
_MAX_MANIFEST = 16 * 1024 * 1024
_NOWHERE = (OSError, ValueError, OverflowError)
"""What seeking to a place before the beginning of a file raises, or beyond all ends: zip archives may name such."""


class ExhaustedError(PermanentError):
    """An archive unpacks to more than it may."""


@dataclass
class Budget:
    """The bytes that all of an archive, archives in it included, may still unpack to."""

    left: int

    @classmethod
    def of(cls, packed_bytes: int, limit: int) -> "Budget":
        """For a file of this size."""
        return cls(min(limit, max(_FREE, packed_bytes * _RATIO)))

    def spend(self, count: int, where: str) -> None:
        """Raises ExhaustedError when it is used up."""
        self.left -= count
        if self.left < 0:
            raise ExhaustedError(
                f"it unpacks to more than {_RATIO} times its size, or than STANCE_INGEST_MAX_ARCHIVE_BYTES; "
                f"reading stopped in {where}"
            )


@dataclass(frozen=True)
class Item:
    """A file, by itself or in archives; `name` is its path in its source, and says by its suffix what it holds."""

    name: str
    where: str
    stream: IO[bytes]
    budget: Budget
    depth: int = 0

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


def gunzipped(item: Item) -> Item:
    """What a gzip file holds; it has the file's name without `.gz`, so that packing it does not make it another."""
    return _inner(item, item.name[: -len(item.suffix)], item.where, gzip.GzipFile(fileobj=item.stream))


@contextmanager
def opened(item: Item) -> Iterator[zipfile.ZipFile]:
    """The item as a zip archive; one inside another is copied to a temporary file, to be read back and forth."""
    with tempfile.TemporaryFile() as copy:
        if item.depth:
            shutil.copyfileobj(item.stream, copy)
        try:
            archive = zipfile.ZipFile(copy if item.depth else item.stream)
        except _NOWHERE as error:
            raise zipfile.BadZipFile(str(error)) from error
        with archive:
            yield archive


def members(item: Item, archive: zipfile.ZipFile, root: str | None = None) -> Iterator[Item | BadInputError]:
    """The files of a zip archive, each open until the next is asked for, and those that can't be opened as errors.

    With a `root`, files are named by their path below it, else by the archive's name and their path in it.
    """
    for info in archive.infolist():
        where = f"{item.where}/{info.filename}"
        if info.filename.endswith("/"):
            continue
        if (reason := _refused(info)) is not None:
            yield BadInputError(where, reason)
            continue
        try:
            stream = archive.open(info)
        except (zipfile.BadZipFile, RuntimeError, *_NOWHERE) as error:
            yield BadInputError(where, f"the zip archive's member can't be opened: {error}")
            continue
        with stream:
            name = info.filename.removeprefix(root) if root is not None else f"{item.name}/{info.filename}"
            yield _inner(item, name, where, stream)


def folder_with_manifest(archive: zipfile.ZipFile) -> str | None:
    """`""` or `FOLDER/`: where the archive has a manifest, at its top or in the one folder that holds everything."""
    names = [info.filename for info in archive.infolist()]
    tops = {name.partition("/")[0] for name in names}
    return next((root for root in ("", *(f"{top}/" for top in tops if len(tops) == 1)) if root + NAME in names), None)


def manifest_of(item: Item, archive: zipfile.ZipFile, root: str) -> bytes:
    """The text of the manifest in this folder."""
    where = f"{item.where}/{root}{NAME}"
    try:
        with archive.open(root + NAME) as stream:
            return _inner(item, NAME, where, stream).stream.read(_MAX_MANIFEST)
    except (RuntimeError, *_NOWHERE) as error:
        raise BadInputError(where, f"the zip archive's manifest can't be opened: {error}") from error


def _inner(item: Item, name: str, where: str, stream: IO[bytes] | gzip.GzipFile) -> Item:
    if item.depth >= _DEEPEST:
        raise BadInputError(item.where, "archives are read one inside another, no deeper")
    metered = io.BufferedReader(_Metered(stream, item.budget, where))
    return replace(item, name=name, where=where, stream=metered, depth=item.depth + 1)


def _refused(info: zipfile.ZipInfo) -> str | None:
    if not info.filename:
        return "it has no name"
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        return "its name leads out of the zip archive"
    if info.flag_bits & 0x1:
        return "it is encrypted; unpack the zip archive first"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link, no regular file"
    return None


class _Metered(io.RawIOBase):
    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: Budget, where: str) -> None:
        self._stream = stream
        self._budget = budget
        self._where = where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._budget.spend(len(data), self._where)
        buffer[: len(data)] = data
        return len(data)
