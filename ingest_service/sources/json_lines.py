"""JSON lines: one record a line with `body` (or `html`), and `url` or `id` for its identity."""

import json
from collections.abc import Iterator
from pathlib import Path

from ingest_service.sources import MediaType, RawDocument
from ingest_service.sources.manifest import FIELDS, read_known
from shared.errors import BadInputError

CONTENT: tuple[tuple[str, MediaType], ...] = (("body", "text/plain"), ("text", "text/plain"), ("html", "text/html"))


def read_json_lines(path: Path, source: str, key: str, max_bytes: int) -> Iterator[RawDocument | BadInputError]:
    """The records of a file, one in memory at a time; a bad line costs that line only."""
    number = 0
    with path.open("rb") as file:
        while line := file.readline(max_bytes):
            number += 1
            where = f"{path}:{number}"
            if len(line) >= max_bytes and not line.endswith(b"\n"):
                _skip_line(file.readline, max_bytes)
                yield BadInputError(where, f"the line has more than {max_bytes:,} bytes (STANCE_INGEST_MAX_FILE_BYTES)")
            elif line.strip():
                try:
                    yield _record(line, source, key, where)
                except BadInputError as error:
                    yield error
    if not number:
        yield BadInputError(str(path), "it is empty")


def _record(line: bytes, source: str, key: str, where: str) -> RawDocument:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInputError(where, f"the line is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadInputError(where, "the line is JSON, but no object")
    name, media_type = next(((name, kind) for name, kind in CONTENT if record.get(name)), (None, None))
    if name is None or media_type is None:
        raise BadInputError(where, "it has no text: `body` or `html` is missing or empty")
    if not isinstance(record[name], str):
        raise BadInputError(where, f"`{name}` must be text, not {type(record[name]).__name__}")
    known = read_known({field: value for field, value in record.items() if field in FIELDS}, where)
    identity = record.get("id")
    if identity is None and known.url is None:
        raise BadInputError(
            where, "it has neither `url` nor `id`: without one its revisions can't be told from new articles"
        )
    try:
        content = record[name].encode()
    except UnicodeEncodeError as error:
        raise BadInputError(where, f"`{name}` has characters that are none (lone surrogates)") from error
    return RawDocument(str(record.get("source") or source), f"{key}#{identity}", where, content, media_type, known)


def _skip_line(readline: object, max_bytes: int) -> None:
    assert callable(readline)
    while (rest := readline(max_bytes)) and not rest.endswith(b"\n"):
        pass
