"""Group the names found in an article into actors, and name each by its slug. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from shared.ids import slug
from stance_service.actors.registry import RegisteredActor, Registry

LONGEST_SLUG: Final = 120
"""Letters; what is longer is no name but a run of capitalised words."""


class Kind(StrEnum):
    """What an actor is."""

    PERSON = "person"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A name in sentence `sentence` of a text, `start` and `end` in characters of that sentence."""

    sentence: int
    start: int
    end: int
    text: str
    kind: Kind
    certainty: float = 1.0  # the probability that it is a name of an actor


@dataclass(frozen=True, slots=True)
class CastMember:
    """An actor of one article with the places that name it."""

    slug: str
    kind: Kind
    name: str
    spans: tuple[NameSpan, ...]


_POSSESSIVE = re.compile(r"['’]s?$")
_ARTICLE = re.compile(
    r"^(?:(?:the|der|die|das|dem|den|des|le|la|les|el|los|las|il|lo|gli|i|o|a|os|as|de|het)\s+|l['’]\s*)", re.IGNORECASE
)
_TITLE = re.compile(
    r"^(?:(?:mr|mrs|ms|dr|prof|professor|sir|dame|lord|herr|frau|monsieur|madame|m|mme|señor|señora|sr|sra|don|doña|"
    r"signor|signora|senhor|senhora|dom|dona|mevrouw|meneer|judge|senator|minister)\.?\s+)+",
    re.IGNORECASE,
)
_LEGAL_FORM = re.compile(
    r"[\s,]+(?:inc|ltd|llc|plc|corp|co|gmbh|ag|se|eg|e\.?\s?v|kg|sa|sas|sarl|spa|s\.p\.a|srl|s\.r\.l|s\.?l|lda|ltda|bv|b\.v|"
    r"nv|n\.v|oy|ab|as|a/s|aps|pbc|llp|lp)\.?$",
    re.IGNORECASE,
)


def plain_name(text: str, kind: Kind) -> str:
    """The name without possessive, article, title of courtesy or legal form."""
    name = _POSSESSIVE.sub("", text.strip(" \"'“”„«»‘’,;:.()[]"))
    if kind is Kind.PERSON:
        return _TITLE.sub("", name)
    shorter = _LEGAL_FORM.sub("", _ARTICLE.sub("", name))
    return shorter or name


def cast_of(spans: Iterable[NameSpan], registry: Registry) -> list[CastMember]:
    """The actors that the spans name, most often named first; every span belongs to at most one."""
    by_name: dict[str, list[NameSpan]] = {}
    for span in spans:
        plain = plain_name(span.text, span.kind)
        if 0 < len(slug(plain)) <= LONGEST_SLUG:
            by_name.setdefault(plain, []).append(span)
    names = [_Name.of(text, found, registry) for text, found in by_name.items()]
    groups: list[list[_Name]] = []
    by_key: dict[str, list[int]] = {}
    for name in sorted(names, key=lambda n: (-len(n.words), -len(n.text), n.text)):
        candidates = sorted({g for key in name.sought for g in by_key.get(key, ())})
        home = next((groups[g] for g in candidates if _same(name, groups[g][0])), None)
        if home is None:
            for key in name.keys:
                by_key.setdefault(key, []).append(len(groups))
            groups.append([name])
        else:
            home.append(name)
    cast = [_member(group) for group in groups]
    return sorted(_merged(cast), key=lambda m: (-len(m.spans), m.slug))


@dataclass(frozen=True, slots=True)
class _Name:
    """A name with its places, and what it is compared by."""

    text: str
    words: tuple[str, ...]
    kind: Kind
    entry: RegisteredActor | None
    spans: Sequence[NameSpan]

    @classmethod
    def of(cls, text: str, spans: Sequence[NameSpan], registry: Registry) -> Self:
        return cls(text, tuple(slug(text).split("-")), _kind(spans), registry.find(text), spans)

    @property
    def abbreviations(self) -> tuple[str, str]:
        """Its initials, and its capitals."""
        return "".join(w[0] for w in self.words), "".join(c for c in self.text if c.isupper()).lower()

    @property
    def keys(self) -> set[str]:
        """What shorter names of the same actor are found by."""
        return {*self.words, *self.abbreviations, *self._registered}

    @property
    def sought(self) -> set[str]:
        """Keys of which a longer name of the same actor has at least one."""
        return {*self.words, self.words[0].removesuffix("s"), self.text.lower(), *self._registered}

    @property
    def _registered(self) -> tuple[str, ...]:
        return (f"/{self.entry.slug}",) if self.entry else ()


def _same(name: _Name, full: _Name) -> bool:
    """Whether a name refers to the actor of a group, led by its longest name."""
    if name.entry and full.entry:
        return name.entry.slug == full.entry.slug
    if name.kind is not full.kind or (name.entry and name.kind is Kind.ORGANISATION):
        return name.words == full.words  # "OpenAI" is not "OpenAI Board", but "Breton" here is Ruth Breton
    return _is_part(name, full)


def _is_part(name: _Name, full: _Name) -> bool:
    words, full_words = name.words, full.words
    if words == full_words:
        return True
    if name.kind is Kind.PERSON:
        return set(words) < set(full_words) and (words[-1] == full_words[-1] or words == full_words[:1])
    if name.text.isupper() and len(words) == 1 and len(name.text) > 1 and name.text.lower() in full.abbreviations:
        return True
    genitive = len(words) == 1 and words[0].endswith("s") and words[0][:-1] == full_words[0]
    return words == full_words[: len(words)] or genitive or (len(words) >= 2 and set(words) < set(full_words))


def _member(group: Sequence[_Name]) -> CastMember:
    spans = tuple(sorted((s for n in group for s in n.spans), key=lambda s: (s.sentence, s.start)))
    longest = group[0]
    if longest.entry:
        return CastMember(longest.entry.slug, _kind(spans), longest.entry.name, spans)
    return CastMember("-".join(longest.words), _kind(spans), longest.text, spans)


def _kind(spans: Sequence[NameSpan]) -> Kind:
    return Counter(s.kind for s in spans).most_common(1)[0][0]


def _merged(cast: Iterable[CastMember]) -> Iterable[CastMember]:
    by_slug: dict[str, CastMember] = {}
    for member in cast:
        known = by_slug.get(member.slug)
        if known is None:
            by_slug[member.slug] = member
        else:
            spans = tuple(sorted(known.spans + member.spans, key=lambda s: (s.sentence, s.start)))
            by_slug[member.slug] = CastMember(known.slug, known.kind, known.name, spans)
    return by_slug.values()
