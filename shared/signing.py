"""Ed25519 keys: made, read from PEM files, and trusted for a time.

A key's id is the beginning of the SHA-256 of its public half (SubjectPublicKeyInfo, DER).
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from shared.errors import PermanentError
from shared.events import UtcDatetime

_ID_LENGTH: Final = 16


class KeyFileError(PermanentError):
    """A file of keys can't be read or written."""


class UntrustedError(PermanentError):
    """A signature is wrong, or of a key that isn't trusted, or wasn't at that time."""


class SigningKey:
    """A private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.id = _id(key.public_key())

    @classmethod
    def made(cls) -> Self:
        """A new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file; raises KeyFileError."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"{path} holds no private key (PEM, not encrypted): {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{path} holds no Ed25519 key; make one with stance-service audit keygen")
        return cls(key)

    def write(self, path: Path) -> None:
        """To a file that there isn't yet and that only its owner may read; raises KeyFileError."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
        except OSError as error:
            raise KeyFileError(f"the key can't be written: {error}") from error

    def sign(self, content: bytes) -> str:
        """The signature, in base64."""
        return base64.b64encode(self._key.sign(content)).decode()

    @property
    def public_pem(self) -> str:
        """The public half."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class TrustedKey(BaseModel):
    """A public key, and when it may have signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_key: str
    valid_from: UtcDatetime
    valid_until: Annotated[UtcDatetime | None, BeforeValidator(lambda text: text or None)] = None


_ENTRIES: Final = TypeAdapter(tuple[TrustedKey, ...])


class TrustedKeys:
    """Those whose signatures count."""

    def __init__(self, keys: Sequence[TrustedKey]) -> None:
        self._keys = {_id(key): (key, entry) for entry in keys for key in [_public(entry.public_key)]}

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a YAML list of `public_key`, `valid_from` and `valid_until`; raises KeyFileError."""
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 (strings only)
            return cls(_ENTRIES.validate_python(content or ()))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise KeyFileError(f"{path}: {where}: {first['msg']}") from error
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise KeyFileError(f"{path}: {error}") from error

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def verify(self, key_id: str, signed_at: datetime, content: bytes, signature: str) -> None:
        """Raises UntrustedError unless a key that was trusted at that time made the signature."""
        if key_id not in self._keys:
            raise UntrustedError(f"it is signed with the unknown key {key_id}")
        key, entry = self._keys[key_id]
        if signed_at < entry.valid_from or (entry.valid_until is not None and signed_at > entry.valid_until):
            raise UntrustedError(f"key {key_id} was not valid on {signed_at.isoformat()}")
        try:
            key.verify(base64.b64decode(signature, validate=True), content)
        except (InvalidSignature, ValueError):
            raise UntrustedError(f"its signature is not that of key {key_id}: it is forged, or was altered") from None


def entry(key: SigningKey, valid_from: datetime) -> str:
    """A trusted key as it stands in the file."""
    indented = "".join(f"    {line}\n" for line in key.public_pem.splitlines())
    return (
        f"- # {key.id}\n  public_key: |\n{indented}  valid_from: {valid_from.isoformat()}\n"
        "  valid_until:  # the last instant at which it may have signed; empty: it still may\n"
    )


def _public(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(f"a public key can't be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a public key is no Ed25519 key")
    return key


def _id(key: Ed25519PublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:_ID_LENGTH]
