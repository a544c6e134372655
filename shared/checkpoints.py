"""Checkpoints: made, and read back if they are genuine. Pure.

Signed is the canonical form (RFC 8785) of all fields but `signature`.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.canonical import canonical, without
from shared.chain import sha256
from shared.errors import PermanentError
from shared.events import Checkpoint, Digest, SealedPartition, SealedSource
from shared.signing import SigningKey, TrustedKeys, UntrustedError


class CheckpointError(PermanentError):
    """A record is no checkpoint, or no genuine one, or not the one that has to follow."""


def signed(
    before: bytes | None,
    topic: str,
    partitions: Iterable[SealedPartition],
    at: datetime,
    key: SigningKey,
    *,
    sources: Iterable[SealedSource] = (),
) -> Checkpoint:
    """The checkpoint after another, given its bytes."""
    sequence = Checkpoint.model_validate_json(before).sequence + 1 if before is not None else 1
    unsigned = Checkpoint(
        sequence=sequence,
        previous=None if before is None else hash_of(before),
        topic=topic,
        partitions=tuple(partitions),
        sources=tuple(sources),
        signed_at=at,
        key=key.id,
        signature="",
    )
    return unsigned.model_copy(update={"signature": key.sign(statement(unsigned.model_dump_json().encode()))})


def statement(value: bytes) -> bytes:
    """What is signed of a checkpoint, given its bytes."""
    return canonical(without(value, "signature"))


def hash_of(value: bytes) -> Digest:
    """Of a checkpoint, given its bytes, its signature included."""
    return sha256(msgspec.json.decode(value))


def genuine(value: bytes, trusted: TrustedKeys) -> Checkpoint:
    """What a record says; raises CheckpointError unless a trusted key signed it."""
    try:
        checkpoint = Checkpoint.model_validate_json(value)
        trusted.verify(checkpoint.key, checkpoint.signed_at, statement(value), checkpoint.signature)
    except (ValueError, msgspec.DecodeError) as error:
        raise CheckpointError(f"it is no checkpoint: {error}") from error
    except UntrustedError as error:
        raise CheckpointError(f"checkpoint {checkpoint.sequence}: {error}") from error
    return checkpoint


def require_successor(checkpoint: Checkpoint, before: bytes | None) -> None:
    """Raises CheckpointError unless the checkpoint follows the one given, None being the beginning."""
    last = None if before is None else Checkpoint.model_validate_json(before)
    due = 1 if last is None else last.sequence + 1
    if checkpoint.sequence != due:
        raise CheckpointError(f"checkpoint {checkpoint.sequence} stands where {due} is due: one is missing or too many")
    if checkpoint.previous != (None if before is None else hash_of(before)):
        raise CheckpointError(f"checkpoint {checkpoint.sequence} follows another than the one before it")
    if last is not None and checkpoint.signed_at < last.signed_at:
        raise CheckpointError(f"checkpoint {checkpoint.sequence} is signed before the one that it follows")
