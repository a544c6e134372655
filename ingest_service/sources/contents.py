"""What a file holds, by its suffix: an article, JSON lines, a WARC file, or an archive of such files."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ingest_service.fetching.sniff import kind_of
from ingest_service.sources import MediaType, RawDocument
from ingest_service.sources.archives import (
    ExhaustedError,
    Item,
    folder_with_manifest,
    gunzipped,
    manifest_of,
    members,
    opened,
)
from ingest_service.sources.json_lines import read_json_lines
from ingest_service.sources.manifest import NAME, Manifest, parse_manifest
from ingest_service.sources.warc import read_warc
from shared.errors import BadInputError

HTML = frozenset({".html", ".htm", ".xhtml"})
TEXT = frozenset({".txt", ".text", ".md"})
JSON_LINES = frozenset({".jsonl", ".ndjson"})
FILES = HTML | TEXT | JSON_LINES | {".warc"}
ARCHIVES = frozenset({".gz", ".zip"})

Read = RawDocument | BadInputError
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def is_read(name: str) -> bool:
    """True for a file of a folder or archive that is looked into: by its suffix, and not hidden."""
    path = PurePosixPath(name)
    packed = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and packed.suffix.lower() in FILES | {".zip"}


@dataclass(frozen=True)
class Reader:
    """Reads items; `source` overrides what the manifest says. A document, or a line, has fewer than `max_bytes`."""

    manifest: Manifest
    source: str | None
    max_bytes: int

    def documents(self, item: Item) -> Iterator[Read]:
        """The documents of an item, and what can't be read as errors; the rest goes on."""
        try:
            yield from self._documents(item)
        except BadInputError as error:
            yield error
        except ExhaustedError as error:
            if item.depth:
                raise  # nothing more of the whole archive is to be read
            yield BadInputError(item.where, str(error))
        except _DAMAGED as error:
            what = "is damaged or cut off" if item.depth or item.suffix in ARCHIVES else "can't be read"
            yield BadInputError(item.where, f"it {what}: {getattr(error, 'strerror', None) or error}")

    def _documents(self, item: Item) -> Iterator[Read]:
        source = self.source or self.manifest.source
        if item.suffix == ".zip":
            yield from self._zipped(item)
        elif item.suffix == ".gz":
            yield from self.documents(gunzipped(item))
        elif item.suffix in {".tar", ".tgz", ".tbz", ".txz", ".7z", ".rar", ".bz2", ".xz"}:
            raise BadInputError(item.where, f"{item.suffix} archives are not read; make it a .zip")
        elif item.suffix in JSON_LINES:
            yield from read_json_lines(item.stream, source, item.name, item.where, self.max_bytes)
        elif item.suffix == ".warc":
            yield from read_warc(item.stream, source, item.where, self.max_bytes)
        else:
            yield self._document(item, source)

    def _zipped(self, item: Item) -> Iterator[Read]:
        with opened(item) as archive:
            root = folder_with_manifest(archive)
            reader = (
                self if root is None else self._with_manifest(manifest_of(item, archive, root), f"{item.where}/{root}")
            )
            seen: set[str] = set()
            for member in members(item, archive, root):
                if isinstance(member, BadInputError):
                    yield member
                elif is_read(member.name):
                    seen.add(member.name)
                    yield from reader.documents(member)
            if root is not None:
                yield from reader.manifest.unseen(seen)
            if not seen:
                yield BadInputError(item.where, "the archive has no .txt, .html, .jsonl or .warc files")

    def _with_manifest(self, content: bytes, folder: str) -> "Reader":
        return replace(self, manifest=parse_manifest(content, folder + NAME, self.manifest.source))

    def _document(self, item: Item, source: str) -> RawDocument:
        content = item.stream.read(self.max_bytes)
        if len(content) >= self.max_bytes:
            reason = f"it is too large: the limit is {self.max_bytes:,} bytes (STANCE_INGEST_MAX_FILE_BYTES)"
            raise BadInputError(item.where, reason)
        known = self.manifest.known(item.name, item.where)
        return RawDocument(source, item.name, item.where, content, _media_type(item, content), known)


def _media_type(item: Item, content: bytes) -> MediaType:
    is_page = item.suffix in HTML or kind_of("text/plain", content) == "html"
    return "text/html" if is_page else "text/plain"
