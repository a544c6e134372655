"""`stance-service annotate`: articles as JSON lines in, their stance statements out. No broker."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import tee
from typing import Any, TextIO

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stance_service import build
from stance_service.classifiers.base import ArticleText, Classifier
from stance_service.observe import Statement, statements
from stance_service.settings import ClassifierSettings


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


def annotate() -> None:
    """Read articles as JSON lines (id, language, published_at, title, body) and write their stance statements.

    Lines that can't be read are reported on standard error and left out; the exit status is then 1.
    """
    sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    bad = annotate_lines(sys.stdin, sys.stdout, sys.stderr, build.classifier(ClassifierSettings()))
    if bad:
        raise typer.Exit(1)


def annotate_lines(lines: Iterable[str], out: TextIO, errors: TextIO, classifier: Classifier) -> int:
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
                errors.write(f"line {number}: {_reasons(error)}\n")

    asked, read = tee(requests())
    for request, judgements in zip(asked, classifier.classify(r.text for r in read), strict=True):
        found = statements(request.text, request.published_at, judgements)
        answer = {"id": request.id, "statements": [fields(s, request.body) for s in found]}
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()
    return bad


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'not an article'}: {e['msg']}" for e in error.errors())


def fields(s: Statement, body: str) -> dict[str, Any]:
    """A statement as it is written: the fields of the guidelines, and the confidence."""
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
