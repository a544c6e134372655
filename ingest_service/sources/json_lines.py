"""JSON lines: one record a line with `body` (or `html`), and `url` or `id` for its identity."""

import json
from collections.abc import Iterator
from typing import IO

from ingest_service.sources import RawDocument
from ingest_service.sources.records import read_record
from shared.errors import BadInputError


def read_json_lines(
    lines: IO[bytes], source: str, key: str, path: str, max_bytes: int
) -> Iterator[RawDocument | BadInputError]:
    """The records of a file, one in memory at a time; a bad line costs that line only."""
    number = 0
    while line := lines.readline(max_bytes):
        number += 1
        where = f"{path}:{number}"
        if len(line) >= max_bytes and not line.endswith(b"\n"):
            _skip_line(lines, max_bytes)
            yield BadInputError(where, f"the line has more than {max_bytes:,} bytes (STANCE_INGEST_MAX_FILE_BYTES)")
        elif line.strip():
            try:
                yield _record(line, source, key, where)
            except BadInputError as error:
                yield error
    if not number:
        yield BadInputError(path, "it is empty")


def _record(line: bytes, source: str, key: str, where: str) -> RawDocument:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInputError(where, f"the line is not valid JSON: {error}") from error
    return read_record(record, source, key, where)


def _skip_line(lines: IO[bytes], max_bytes: int) -> None:
    while (rest := lines.readline(max_bytes)) and not rest.endswith(b"\n"):
        pass
