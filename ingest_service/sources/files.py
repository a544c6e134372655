"""Folders and files, described by a manifest. Read one document at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ingest_service.sources import Found
from ingest_service.sources.archives import MAX_ARCHIVE_BYTES, Budget, Item
from ingest_service.sources.contents import Reader, is_read
from ingest_service.sources.manifest import NAME, Manifest, read_manifest
from shared.errors import BadInputError

MAX_BYTES = 50 * 1024 * 1024


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


@dataclass(frozen=True)
class FileSource:
    """The documents of a file, or of all files under a folder in the order of their names.

    `name` overrides the source's name. A file's key is its path below the folder that has its manifest, so that it is
    the same article whether the folder or the file is given. A file has fewer than `max_bytes`, a JSON line likewise;
    an archive unpacks to at most `max_archive_bytes`.
    """

    path: Path
    name: str | None = None
    max_bytes: int = MAX_BYTES
    max_archive_bytes: int = MAX_ARCHIVE_BYTES
    open: Callable[[Path], IO[bytes]] = _open

    def size(self) -> int:
        """The bytes that there are to read."""
        paths = _files(self.path) if self.path.is_dir() else [self.path]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def documents(self) -> Iterator[Found]:
        """The documents, and for every file that has none the reason."""
        if not self.path.exists():
            yield BadInputError(str(self.path), "there is no such file or folder")
            return
        folder = self.path if self.path.is_dir() else _manifest_folder(self.path)
        try:
            manifest = read_manifest(folder)
        except BadInputError as error:
            yield error
            return
        if self.path.is_dir():
            yield from self._folder(manifest)
        else:
            yield from self._file(self.path, folder, manifest)

    def _folder(self, manifest: Manifest) -> Iterator[Found]:
        seen: set[str] = set()
        for path in _files(self.path):
            seen.add(path.relative_to(self.path).as_posix())
            yield from self._file(path, self.path, manifest)
        yield from manifest.unseen(seen)
        if not seen:
            yield BadInputError(str(self.path), "the folder has no .txt, .html, .jsonl, .warc, .gz or .zip files")

    def _file(self, path: Path, folder: Path, manifest: Manifest) -> Iterator[Found]:
        if not path.is_file():
            yield BadInputError(str(path), "it is no regular file")
            return
        try:
            file = self.open(path)
        except OSError as error:
            yield BadInputError(str(path), f"it can't be read: {error.strerror or error}")
            return
        with file:
            budget = Budget.of(path.stat().st_size, self.max_archive_bytes)
            item = Item(path.relative_to(folder).as_posix(), str(path), file, budget)
            yield from Reader(manifest, self.name, self.max_bytes).documents(item)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if is_read(path.relative_to(folder).as_posix()) and not path.is_dir():
            yield path


def _manifest_folder(path: Path) -> Path:
    """The nearest folder above a file that has a manifest, or the file's own folder."""
    return next((folder for folder in path.parents if (folder / NAME).is_file()), path.parent)
