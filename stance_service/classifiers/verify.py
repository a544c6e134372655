"""Believe of a chat model's answer only what the article bears out; drop the rest. Pure."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.events import Basis, Polarity
from shared.ids import slug
from stance_service.actors.names import Kind, NameSpan, cast_of, plain_name
from stance_service.actors.registry import Registry
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.endpoint import RubbishError
from stance_service.classifiers.prompt import CERTAINTIES
from stance_service.classifiers.spans import Copied

SHORTEST_EVIDENCE: Final = 8
LONGEST_EVIDENCE: Final = 800
LONGEST_NAME: Final = 120
MOST_STATEMENTS: Final = 500
MOST_BRACES: Final = 200
NEARBY: Final = 1000
"""Characters of the paragraph before and after the evidence in which an order to the machine spoils it."""

_POLARITIES: Final = {"+1": 1, "1": 1, "-1": -1}
_LATIN: Final = "A-Za-z0-9\u00c0-\u024f"
_ORDER: Final = re.compile(
    r"""(?ix) \b(?: ignor(?:e|ez|iere\w*|a|ad|are|ate|eer) | disregard | forget | oubli(?:e|ez) | vergiss
    | vergessen\ssie | missachte\w* | olvid(?:a|e|en) | dimentic(?:a|ate|are) | esque[cç]\w+ | vergeet | negeer
    | desconsider\w+ )\b [^.!?\n]{0,60} \b(?: instruc\w+ | instruktion\w* | anweisung\w* | istruzion\w+
    | instruç\w+ | consignes | prompts? )\b
    | \byou\sare\s(?:now\s)?an?\s(?:ai|language\smodel)\b
    | \b(?:note|message|instructions?)\s(?:to|for)\s(?:the\s)?(?:ai|llm|language\smodel|annotator)s?\b"""
)
"""Words that speak to a machine which reads the article; what else articles say about prompts is news."""


def _polarity(value: object) -> object:
    return _POLARITIES.get(value, value) if isinstance(value, str) else value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Claim(BaseModel):
    """One statement as the model makes it; nothing in it is checked against the text yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    actor: _Name
    axis: str
    polarity: Annotated[Polarity, BeforeValidator(_polarity)]
    basis: Literal["stated", "acted", "alleged"]
    alleged_by: Annotated[_Name | None, BeforeValidator(_empty_is_none)] = None
    certainty: Literal["clear", "likely"] = "likely"
    evidence: Annotated[str, Field(min_length=SHORTEST_EVIDENCE, max_length=LONGEST_EVIDENCE)]


def read_answer(content: str) -> Mapping[str, Any]:
    """The JSON object with statements in an answer, whatever else is said around it; else RubbishError."""
    content = content.rpartition("</think>")[2]
    decoder = json.JSONDecoder()
    for brace in list(re.finditer(r"\{", content))[:MOST_BRACES]:
        try:
            answer, _ = decoder.raw_decode(content, brace.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(answer, dict) and isinstance(answer.get("statements"), list):
            return answer
    raise RubbishError(f"an answer without a JSON object of statements: {content[:200]!r}")


class Verifier:
    """Holds one article against what is claimed about it. `dropped` counts by reason."""

    def __init__(self, text: ArticleText, axes: Collection[str], registry: Registry) -> None:
        self.dropped: Counter[str] = Counter()
        self._text = text
        self._axes = axes
        self._registry = registry
        self._body = Copied(text.body)
        self._whole = f"{text.title}\n{text.body}"
        self._slugs = f"-{slug(self._whole)}-"
        self._occurring: dict[str, bool] = {}

    def judgements(self, answers: Iterable[tuple[Mapping[str, Any], Sequence[tuple[int, int]]]]) -> list[Judgement]:
        """What holds of the answers, each about the spans it was shown; in the order of the evidence."""
        kinds: dict[str, Kind] = {}
        placed: list[tuple[Claim, tuple[int, int]]] = []
        for answer, shown in answers:
            kinds |= _kinds(answer.get("actors"))
            claims = (self._placed(given, shown) for given in answer["statements"][:MOST_STATEMENTS])
            placed += [placed_claim for placed_claim in claims if placed_claim is not None]
        slugs = self._slugs_of({n for c, _ in placed for n in (c.actor, c.alleged_by) if n}, kinds)
        found = {}
        for claim, (start, end) in placed:
            actor, by = slugs[claim.actor], slugs[claim.alleged_by] if claim.alleged_by else None
            if actor == by:
                self.dropped["source"] += 1
                continue
            basis, confidence = Basis(claim.basis), CERTAINTIES[claim.certainty]
            judgement = Judgement(actor, claim.axis, claim.polarity, basis, by, confidence, start, end)
            found[(*claim.model_dump(include={"axis", "polarity", "basis"}).values(), actor, by, start, end)] = (
                judgement
            )
        return sorted(found.values(), key=lambda j: (j.start, j.actor, j.axis, -j.polarity, j.basis))

    def _placed(self, given: object, shown: Sequence[tuple[int, int]]) -> tuple[Claim, tuple[int, int]] | None:
        try:
            claim = Claim.model_validate(given)
        except ValidationError:
            self.dropped["form"] += 1
            return None
        place = self._body.find(claim.evidence, shown)
        fault = self._fault(claim, place)
        if fault is None and place is not None:
            return claim, place
        self.dropped[fault or "evidence"] += 1
        return None

    def _fault(self, claim: Claim, place: tuple[int, int] | None) -> str | None:
        """What a claim fails on, or None."""
        if claim.axis not in self._axes:
            return "form"
        if place is None:
            return "evidence"
        if self._is_order(place):
            return "instruction"
        if not self._names(claim.actor):
            return "actor"
        by = claim.alleged_by
        sourced = by is None if claim.basis != "alleged" else by is not None and self._names(by)
        return None if sourced else "source"

    def _is_order(self, place: tuple[int, int]) -> bool:
        """Whether the evidence stands in a paragraph that speaks to the reader's machine."""
        body, (start, end) = self._text.body, place
        before = body[max(0, start - NEARBY) : start].rpartition("\n")[2]
        after = body[end : end + NEARBY].partition("\n")[0]
        return _ORDER.search(before + body[start:end] + after) is not None

    def _names(self, name: str) -> bool:
        """Whether the text names the actor, by this name or a registered one."""
        if name not in self._occurring:
            entry = self._registry.find(name) or self._registry.find(_plain(name))
            known = (entry.name, *entry.aliases) if entry else ()
            self._occurring[name] = any(map(self._occurs, known)) or (
                not name.islower() and bool(slug(_plain(name))) and self._occurs(_plain(name))
            )
        return self._occurring[name]

    def _occurs(self, name: str) -> bool:
        if f"-{slug(name)}-" in self._slugs:
            return True
        # Scripts without spaces, where a transliterated text has no word boundaries.
        pattern = rf"(?<![{_LATIN}]){re.escape(name)}(?![{_LATIN}])"
        return re.search(pattern, self._whole, re.IGNORECASE) is not None

    def _slugs_of(self, names: Collection[str], kinds: Mapping[str, Kind]) -> dict[str, str]:
        """The slug of each name; a surname belongs to the person whom another name gives in full."""
        spans = [NameSpan(0, k, k, n, kinds.get(n, Kind.ORGANISATION)) for k, n in enumerate(sorted(names))]
        cast = {span.text: member.slug for member in cast_of(spans, self._registry) for span in member.spans}
        return {name: cast.get(name) or slug(name) for name in names}


def _plain(name: str) -> str:
    return plain_name(name, Kind.ORGANISATION)


def _kinds(actors: object) -> dict[str, Kind]:
    given = [a for a in actors if isinstance(a, dict)] if isinstance(actors, list) else []
    return {
        a["name"]: Kind(a["kind"])
        for a in given
        if isinstance(a.get("name"), str) and a.get("kind") in ("person", "organisation")
    }
