"""Pages and texts in WARC files, by warcio. Other records, and answers other than 200, are passed over."""

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader

from ingest_service.fetching.sniff import kind_of
from ingest_service.sources import Known, MediaType, RawDocument
from ingest_service.text import known_charset
from shared.errors import BadInputError

_CHARSET = re.compile(r"charset=([^\s;]+)", re.IGNORECASE)
_MEDIA_TYPES: dict[str, MediaType] = {"html": "text/html", "text": "text/plain"}
_TEXTS = re.compile(r"(?:text/(?:html|plain)|application/xhtml\+xml)\b", re.IGNORECASE)
_AT_ONCE = 64 * 1024
_LONGEST_LINE = 64 * 1024


def read_warc(stream: IO[bytes], source: str, where: str, max_bytes: int) -> Iterator[RawDocument | BadInputError]:
    """The documents of an unpacked WARC file, one in memory at a time; a page is known by its URL.

    Raises BadInputError where the file is cut off or damaged: records after that can't be found.
    """
    lines = _Lines(stream)
    number = 0
    while (first := lines.readline()) != b"":
        if not first.strip():
            continue
        number += 1
        try:
            loaded = ArcWarcRecordLoader(verify_http=False).parse_record_stream(
                lines, first.decode("latin-1").rstrip(), known_format="warc", no_record_parse=True
            )
        except (ArchiveLoadFailed, EOFError) as error:
            reason = "it is no WARC file" if number == 1 else f"the WARC file is damaged after {number - 1} records"
            raise BadInputError(where, reason) from error
        url = loaded.rec_headers.get_header("WARC-Target-URI") or ""
        place = f"{where}: record {number}{f' ({url[:200]})' if url else ''}"
        if not loaded.length and loaded.length != 0:
            raise BadInputError(place, "the WARC record has no length, so that those after it can't be found")
        found = _document(loaded, url, source, place, max_bytes)
        while loaded.raw_stream.read(_AT_ONCE):
            pass
        if loaded.raw_stream.limit > 0:
            raise BadInputError(place, "the WARC file is cut off within this record")
        if found is not None:
            yield found


def _document(
    record: ArcWarcRecord, url: str, source: str, where: str, max_bytes: int
) -> RawDocument | BadInputError | None:
    """None: the record is none of a page or text."""
    if not url.startswith(("http://", "https://")) or record.rec_type not in {"response", "resource", "conversion"}:
        return None
    try:
        declared = _declared(record, url)
        if declared is None:
            return None
        content = _content(record, max_bytes)
    except (ValueError, LookupError, AttributeError, EOFError, zlib.error) as error:  # warcio lets them out
        return BadInputError(where, f"the WARC record's answer can't be decoded ({type(error).__name__}: {error})")
    if len(content) >= max_bytes:
        reason = f"it is too large: the limit is {max_bytes:,} bytes (STANCE_INGEST_MAX_FILE_BYTES)"
        return BadInputError(where, reason)
    media_type = _MEDIA_TYPES.get(kind_of(declared.partition(";")[0].strip().lower(), content))
    if media_type is None:
        return None
    charset = _CHARSET.search(declared)
    fetched_at = _instant(record.rec_headers.get_header("WARC-Date"))
    return RawDocument(
        source,
        url,
        where,
        content,
        media_type,
        Known(url=url),
        known_charset(charset[1] if charset else None),
        fetched_at,
    )


def _declared(record: ArcWarcRecord, url: str) -> str | None:
    """The content type of a page or text, else None."""
    declared: str | None = record.content_type
    if record.rec_type == "response":
        record.http_headers = ArcWarcRecordLoader(verify_http=False).load_http_headers(
            "response", url, record.raw_stream, record.length
        )
        if record.http_headers is None or record.http_headers.get_statuscode() != "200":
            return None
        declared = record.http_headers.get_header("Content-Type")
    return declared if declared and _TEXTS.match(declared) else None


def _content(record: ArcWarcRecord, max_bytes: int) -> bytes:
    stream = record.content_stream()
    content = bytearray()
    while len(content) < max_bytes and (data := stream.read(min(_AT_ONCE, max_bytes - len(content)))):
        content += data
    return bytes(content)


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


class _Lines:
    """The stream, with lines of bounded length: warcio reads headers without limit."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def readline(self, size: int | None = None) -> Any:
        return self._stream.readline(min(_LONGEST_LINE, _LONGEST_LINE if size is None else size))
