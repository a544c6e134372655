"""A file or folder that is read again when something in it has changed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from ingest_service.memory import SourceMemory
from ingest_service.pipeline import Batch, read_in_thread
from ingest_service.sources.files import FileSource

_LISTING = "listing"


async def watched(files: FileSource, memory: SourceMemory) -> AsyncIterator[Batch]:
    """All documents, if a name, size or time of change is another than after the last round."""
    listing = await asyncio.to_thread(_listing, files.path)
    if memory.get(_LISTING) == listing:
        return
    async for batch in read_in_thread(files.documents()):
        yield batch
    memory.put(_LISTING, listing)
    yield memory.taken()


def _listing(path: Path) -> str:
    digest = hashlib.sha256()
    for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
        with suppress(FileNotFoundError):  # it has just gone
            status = each.stat()
            digest.update(f"{each} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
