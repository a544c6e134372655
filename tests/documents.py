"""Builders of raw documents: name what matters, the rest is filled in."""

from datetime import UTC, datetime
from pathlib import Path

from ingest_service.normalise import normalise
from ingest_service.sources import Known, MediaType, RawDocument
from shared.events import Article

READ_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEDS = Path(__file__).parent.parent / "seeds"

PROSE = (
    "Acme said on Monday that it would publish the source code of its language model, and that anybody might use it.",
    "“We want everybody to have it,” said its chief executive, Jane Roe, who had refused to do so only a year before.",
)


def document(
    text: str | bytes = "\n\n".join(PROSE),
    *,
    source: str = "test",
    key: str = "a.txt",
    media_type: MediaType = "text/plain",
    known: Known | None = None,
) -> RawDocument:
    content = text if isinstance(text, bytes) else text.encode()
    return RawDocument(source, key, key, content, media_type, known or Known())


def article(text: str | bytes = "\n\n".join(PROSE), **fields: object) -> Article:
    return normalise(document(text, **fields), READ_AT)  # type: ignore[arg-type]
