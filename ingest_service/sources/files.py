"""Folders and files: plain text and HTML, described by a manifest, and JSON lines. Read one document at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest_service.sources import MediaType, RawDocument
from ingest_service.sources.json_lines import read_json_lines
from ingest_service.sources.manifest import NAME, Manifest, read_manifest
from shared.errors import BadInputError

HTML = frozenset({".html", ".htm", ".xhtml"})
TEXT = frozenset({".txt", ".text", ".md"})
JSON_LINES = frozenset({".jsonl", ".ndjson"})
MAX_BYTES = 50 * 1024 * 1024

Found = RawDocument | BadInputError


@dataclass(frozen=True)
class FileSource:
    """The documents of a file, or of all files under a folder in the order of their names.

    `name` overrides the source's name. A file's key is its path below the folder that has its manifest, so that it is
    the same article whether the folder or the file is given. A file has fewer than `max_bytes`, a JSON line likewise.
    """

    path: Path
    name: str | None = None
    max_bytes: int = MAX_BYTES

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
            yield from self._file(self.path, manifest)

    def _folder(self, manifest: Manifest) -> Iterator[Found]:
        found = False
        seen: set[str] = set()
        for path in _files(manifest.folder):
            found = True
            seen.add(path.relative_to(manifest.folder).as_posix())
            yield from self._file(path, manifest)
        for key in manifest.entries.keys() - seen:
            yield BadInputError(
                str(manifest.folder / NAME), f"it names {key!r}, but there is no such text or HTML file"
            )
        if not found:
            yield BadInputError(str(manifest.folder), "the folder has no .txt, .html or .jsonl files")

    def _file(self, path: Path, manifest: Manifest) -> Iterator[Found]:
        source = self.name or manifest.source
        key = path.relative_to(manifest.folder).as_posix()
        try:
            if path.suffix.lower() in JSON_LINES:
                yield from read_json_lines(path, source, key, self.max_bytes)
            else:
                yield self._document(path, source, key, manifest)
        except BadInputError as error:
            yield error
        except OSError as error:
            yield BadInputError(str(path), f"it can't be read: {error.strerror or error}")

    def _document(self, path: Path, source: str, key: str, manifest: Manifest) -> RawDocument:
        if not path.is_file():
            raise BadInputError(str(path), "it is no regular file")
        with path.open("rb") as file:
            content = file.read(self.max_bytes)
        if len(content) >= self.max_bytes:
            raise BadInputError(
                str(path),
                f"it has {path.stat().st_size:,} bytes, the limit is {self.max_bytes:,} (STANCE_INGEST_MAX_FILE_BYTES)",
            )
        return RawDocument(source, key, str(path), content, _media_type(path, content), manifest.known(key, str(path)))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in HTML | TEXT | JSON_LINES and not hidden and not path.is_dir():
            yield path


def _manifest_folder(path: Path) -> Path:
    """The nearest folder above a file that has a manifest, or the file's own folder."""
    return next((folder for folder in path.parents if (folder / NAME).is_file()), path.parent)


def _media_type(path: Path, content: bytes) -> MediaType:
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if path.suffix.lower() in HTML or start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return "text/plain"
