"""`stance-service annotate`: articles as JSON lines in, their stance statements out. No broker."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import tee
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stance_service.classifiers.base import ArticleText, Classifier
from stance_service.observe import Statement, statements


class Request(BaseModel):
    """An input line; other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | int
    language: str = Field(pattern=r"^[a-z]{2,3}$")
    published_at: date
    title: str = ""
    body: str

    @property
    def text(self) -> ArticleText:
        """What the classifier reads."""
        return ArticleText(self.title, self.body, self.language)


def annotate(lines: Iterable[str], out: TextIO, errors: TextIO, classifier: Classifier) -> int:
    """Write one line an article, in input order; report bad lines on `errors`. Returns how many were bad."""
    bad = 0

    def requests() -> Iterator[Request]:
        nonlocal bad
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield Request.model_validate_json(line)
            except ValidationError as error:
                bad += 1
                reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in error.errors())
                errors.write(f"line {number}: {reasons}\n")

    asked, read = tee(requests())
    for request, judgements in zip(asked, classifier.classify(r.text for r in read), strict=True):
        found = statements(request.text, request.published_at, judgements)
        answer = {"id": request.id, "statements": [_fields(s, request.body) for s in found]}
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()
    return bad


def _fields(s: Statement, body: str) -> dict[str, Any]:
    return {
        "actor": s.actor,
        "axis": s.axis,
        "polarity": s.polarity,
        "basis": s.basis.value,
        "alleged_by": s.alleged_by,
        "held_at": s.held_at,
        "evidence": body[s.start : s.end],
        "confidence": round(s.confidence, 4),
    }


def main(classifier: Classifier) -> int:
    """Annotate standard input to standard output; the exit status tells whether every line was read."""
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    return 1 if annotate(sys.stdin, sys.stdout, sys.stderr, classifier) else 0
