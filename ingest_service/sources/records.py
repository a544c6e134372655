"""A record with fields: a JSON line, or what is sent to the endpoint. One form for both."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from ingest_service.sources import MediaType, RawDocument
from ingest_service.sources.manifest import FIELDS, read_known
from shared.errors import BadInputError

CONTENT: tuple[tuple[str, MediaType], ...] = (("body", "text/plain"), ("text", "text/plain"), ("html", "text/html"))


def read_record(record: object, source: str, key: str, where: str) -> RawDocument:
    """The document in a record; `source` and `key` name the place it is in. Raises BadInputError naming the field."""
    if not isinstance(record, Mapping):
        raise BadInputError(where, "it is JSON, but no object with fields")
    content, media_type = _content(record, where)
    known = read_known({field: value for field, value in record.items() if field in FIELDS}, where)
    if known.url is not None and urlsplit(known.url).scheme.lower() not in {"http", "https"}:
        raise BadInputError(where, f"url must begin with http:// or https://, not be {known.url[:100]!r}", "url")
    identity = record.get("id")
    if identity is None and known.url is None:
        reason = "it has neither `url` nor `id`: without one its revisions can't be told from new articles"
        raise BadInputError(where, reason, "url")
    return RawDocument(str(record.get("source") or source), f"{key}#{identity}", where, content, media_type, known)


def _content(record: Mapping[str, object], where: str) -> tuple[bytes, MediaType]:
    name, media_type = next(((name, kind) for name, kind in CONTENT if record.get(name)), (None, None))
    if name is None or media_type is None:
        raise BadInputError(where, "it has no text: `body` or `html` is missing or empty", "body")
    text = record[name]
    if not isinstance(text, str):
        raise BadInputError(where, f"`{name}` must be text, not {type(text).__name__}", name)
    try:
        return text.encode(), media_type
    except UnicodeEncodeError as error:
        raise BadInputError(where, f"`{name}` has characters that are none (lone surrogates)", name) from error
