"""Group the names found in an article into actors, and name each by its slug. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.ids import slug
from stance_service.actors.registry import Registry


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


@dataclass(frozen=True, slots=True)
class CastMember:
    """An actor of one article with the places that name it."""

    slug: str
    kind: Kind
    name: str
    spans: tuple[NameSpan, ...]


_POSSESSIVE = re.compile(r"['’]s?$")
_ARTICLE = re.compile(
    r"^(?:the|der|die|das|dem|den|des|le|la|les|l['’]|el|los|las|il|lo|gli|i|o|a|os|as|de|het)\s+", re.IGNORECASE
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
        if slug(name := plain_name(span.text, span.kind)):
            by_name.setdefault(name, []).append(span)
    groups: list[list[str]] = []
    for name in sorted(by_name, key=lambda n: (-len(slug(n).split("-")), -len(n), n)):
        home = next((g for g in groups if _same(name, g, by_name, registry)), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    cast = [_member(group, by_name, registry) for group in groups]
    return sorted(_merged(cast), key=lambda m: (-len(m.spans), m.slug))


def _kind(spans: Sequence[NameSpan]) -> Kind:
    return Counter(s.kind for s in spans).most_common(1)[0][0]


def _same(name: str, group: Sequence[str], by_name: dict[str, list[NameSpan]], registry: Registry) -> bool:
    """Whether a shorter name refers to the actor of a group, led by its longest name."""
    full = group[0]
    known, known_full = registry.find(name), registry.find(full)
    if known and known_full:
        return known.slug == known_full.slug
    kind = _kind(by_name[name])
    if kind is not _kind(by_name[full]) or (known and kind is Kind.ORGANISATION):
        return slug(name) == slug(full)  # "OpenAI" is not "OpenAI Board", but "Breton" here is Ruth Breton
    return _is_part(name, full, kind)


def _is_part(name: str, full: str, kind: Kind) -> bool:
    words, full_words = slug(name).split("-"), slug(full).split("-")
    if words == full_words:
        return True
    if kind is Kind.PERSON:
        return set(words) < set(full_words) and (words[-1] == full_words[-1] or words == full_words[:1])
    if name.isupper() and len(words) == 1 and len(name) > 1:
        initials = "".join(w[0] for w in full_words)
        capitals = "".join(c for c in full if c.isupper())
        if name.lower() in (initials, capitals.lower()):
            return True
    genitive = len(words) == 1 and words[0].endswith("s") and words[0][:-1] == full_words[0]
    return words == full_words[: len(words)] or genitive or (len(words) >= 2 and set(words) < set(full_words))


def _member(group: Sequence[str], by_name: dict[str, list[NameSpan]], registry: Registry) -> CastMember:
    spans = tuple(sorted((s for n in group for s in by_name[n]), key=lambda s: (s.sentence, s.start)))
    entry = registry.find(group[0])
    name = entry.name if entry else group[0]
    return CastMember(entry.slug if entry else slug(name), _kind(spans), name, spans)


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
