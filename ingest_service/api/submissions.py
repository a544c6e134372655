"""What is sent to `POST /articles`, as documents. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http import HTTPStatus

from ingest_service.api.problems import ProblemError
from ingest_service.sources import RawDocument
from ingest_service.sources.records import read_record
from shared.errors import BadInputError

SOURCE = "submitted"
_TEXTS = {"text/html": "html", "application/xhtml+xml": "html", "text/plain": "body"}
_ACCEPTED = "application/json, text/html, text/plain"


@dataclass(frozen=True)
class Submission:
    """The body of a request, and what its headers and address say of it."""

    body: bytes
    content_type: str
    query: Mapping[str, str]
    idempotency_key: str | None = None


def read_submission(sent: Submission) -> list[RawDocument | BadInputError] | RawDocument:
    """The document of a single article, or those of a batch with the reasons for the ones that are none.

    Raises ProblemError if nothing of it can be taken.
    """
    declared = Message()
    declared["Content-Type"] = sent.content_type
    media_type = declared.get_content_type() if sent.content_type else ""
    if media_type in _TEXTS:
        return _page(sent, _TEXTS[media_type], declared.get_content_charset())
    if media_type != "application/json":
        detail = f"the Content-Type must be one of {_ACCEPTED}, not {sent.content_type!r}"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept": _ACCEPTED})
    try:
        content = json.loads(sent.body)
    except (ValueError, RecursionError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"the body is not valid JSON: {error}") from error
    if isinstance(content, list):
        return [_item(record, f"#{number}") for number, record in enumerate(content)]
    return _single(content, sent.idempotency_key)


def _page(sent: Submission, field: str, charset: str | None) -> RawDocument:
    if not sent.body.strip():
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "the body is empty")
    document = _single({**sent.query, field: "in the body"}, sent.idempotency_key)
    return replace(document, content=sent.body, charset=charset)


def _single(record: object, idempotency_key: str | None) -> RawDocument:
    if isinstance(record, Mapping) and record.get("id") is None and record.get("url") is None:
        record = {**record, "id": idempotency_key}
    document = _item(record, "the request")
    if isinstance(document, BadInputError):
        raise document
    return document


def _item(record: object, where: str) -> RawDocument | BadInputError:
    try:
        document = read_record(record, SOURCE, "", where)
    except BadInputError as error:
        return error
    return replace(document, known=replace(document.known, origin="submitted"))
