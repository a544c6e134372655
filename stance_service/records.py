"""Observations and withdrawals as the tracker reads them: the events of `shared.events`, decoded faster. Pure.

What is read here without pydantic, pydantic reads alike; whatever looks unusual is left to it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Protocol, TypeAlias

import msgspec
from msgspec import Meta, Struct

from shared.edtf import require_edtf
from shared.events import OBSERVATION_EVENT, Basis, Observation, Polarity, Withdrawal

_Digest: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Revision: TypeAlias = Annotated[int, Meta(ge=1)]
_Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_AXIS: Final = re.compile(r"[a-z][a-z0-9_]*")


class Span(Protocol):
    """The evidence of an observation."""

    @property
    def text(self) -> str: ...


class Shown(Protocol):
    """What the tracker uses of an observation, whoever decoded it."""

    @property
    def id(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def axis(self) -> str: ...
    @property
    def polarity(self) -> Polarity: ...
    @property
    def basis(self) -> Basis: ...
    @property
    def alleged_by(self) -> str | None: ...
    @property
    def confidence(self) -> float: ...
    @property
    def evidence(self) -> Span: ...
    @property
    def held_at(self) -> str | None: ...
    @property
    def published_at(self) -> datetime: ...
    @property
    def observed_at(self) -> datetime: ...
    @property
    def article_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def url(self) -> str | None: ...
    @property
    def duplicate_of(self) -> str | None: ...
    @property
    def classifier(self) -> str: ...
    @property
    def more(self) -> bool: ...


class EvidenceRecord(Struct, frozen=True, gc=False):
    """`shared.events.Evidence`."""

    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=1)]
    text: Annotated[str, Meta(min_length=1)]


class ObservationRecord(Struct, frozen=True, gc=False, tag_field="type", tag="observation"):
    """`shared.events.Observation`."""

    id: _Digest
    actor: str
    axis: str
    polarity: Polarity
    basis: Basis
    confidence: Annotated[float, Meta(ge=0, le=1)]
    evidence: EvidenceRecord
    published_at: _Instant
    observed_at: _Instant
    article_id: _Digest
    revision: _Revision
    classifier: str
    alleged_by: str | None = None
    held_at: str | None = None
    title: str = ""
    url: str | None = None
    duplicate_of: _Digest | None = None
    more: bool = False


class WithdrawalRecord(Struct, frozen=True, gc=False, tag_field="type", tag="withdrawal"):
    """`shared.events.Withdrawal`."""

    actor: str
    article_id: _Digest
    revision: _Revision
    observed_at: _Instant
    more: bool = False


Entry: TypeAlias = Observation | Withdrawal | ObservationRecord | WithdrawalRecord
"""A record of the observations, however it was decoded."""

OBSERVED: Final = (ObservationRecord, Observation)
"""What of it is an observation. msgspec's class is asked first: pydantic's answers ten times as slowly."""

_read: Final[Callable[[bytes | str], ObservationRecord | WithdrawalRecord]] = msgspec.json.Decoder(
    ObservationRecord | WithdrawalRecord
).decode
_finer_than_microseconds: Final = re.compile(rb"\.\d{7}").search


def decode(value: bytes) -> ObservationRecord | WithdrawalRecord:
    """What the bytes of a record say; raises pydantic's ValidationError."""
    try:
        record = _read(value)
        usual = _is_usual(record) and not _finer_than_microseconds(value)
    except (msgspec.DecodeError, ValueError):
        usual = False
    return record if usual else _read(OBSERVATION_EVENT.validate_json(value).model_dump_json())


def _is_usual(record: ObservationRecord | WithdrawalRecord) -> bool:
    """Whether the checks hold that are beyond a type; raises ValueError for a wrong date."""
    if record.observed_at.tzinfo is not UTC or not _is_slug(record.actor):
        return False
    if isinstance(record, WithdrawalRecord):
        return True
    if record.held_at is not None:
        _require_edtf(record.held_at)
    evidence, alleged = record.evidence, record.basis is Basis.ALLEGED
    return (
        record.published_at.tzinfo is UTC
        and _is_axis(record.axis)
        and evidence.end - evidence.start == len(evidence.text)
        and alleged == (record.alleged_by is not None)
        and (record.alleged_by is None or _is_slug(record.alleged_by))
    )


@lru_cache(maxsize=65_536)
def _is_slug(text: str) -> bool:
    return len(text) <= 200 and _SLUG.fullmatch(text) is not None


@lru_cache(maxsize=1_024)
def _is_axis(text: str) -> bool:
    return len(text) <= 64 and _AXIS.fullmatch(text) is not None


_require_edtf: Final = lru_cache(maxsize=65_536)(require_edtf)
