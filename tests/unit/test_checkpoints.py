"""Keys, signatures and the log of checkpoints: what is genuine, and what is told of the rest."""

import base64
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.checkpoints import signed, statement
from shared.dead_letters import Record
from shared.events import Checkpoint, SealedPartition
from shared.signing import KeyFileError, SigningKey, TrustedKey, TrustedKeys, entry
from stance_service.audit.findings import Finding, Kind
from stance_service.audit.seals import read_log

TOPIC = "stance.checkpoints.v1"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = SealedPartition(partition=0, changes=3, end_offset=5, heads="ab" * 32)


def trusting(key: SigningKey, until: datetime | None = None) -> TrustedKeys:
    return TrustedKeys([TrustedKey(public_key=key.public_pem, valid_from=NEW_YEAR, valid_until=until)])


def log_of(*keys: SigningKey) -> list[bytes]:
    """A checkpoint a day, each signed by one of the keys."""
    found: list[bytes] = []
    for day, key in enumerate(keys):
        before = found[-1] if found else None
        checkpoint = signed(before, "stance.changes.v1", [PARTITION], NEW_YEAR + timedelta(days=day), key)
        found.append(checkpoint.model_dump_json().encode())
    return found


def findings(values: list[bytes], trusted: TrustedKeys, copies: list[bytes] | None = None) -> list[Finding]:
    records = [Record(TOPIC, 0, offset, b"", value, (), 0) for offset, value in enumerate(values)]
    return list(read_log(records, copies or [], trusted, TOPIC).findings)


def test_a_log_signed_by_a_trusted_key_is_genuine() -> None:
    key = SigningKey.made()
    values = log_of(key, key, key)
    assert findings(values, trusting(key), values) == []


def test_after_a_rotation_the_old_key_is_trusted_for_its_time() -> None:
    old, new = SigningKey.made(), SigningKey.made()
    until = NEW_YEAR + timedelta(hours=1)
    trusted = TrustedKeys(
        [
            TrustedKey(public_key=old.public_pem, valid_from=NEW_YEAR, valid_until=until),
            TrustedKey(public_key=new.public_pem, valid_from=until),
        ]
    )
    assert findings(log_of(old, new), trusted) == []
    (finding,) = findings(log_of(old, new, old), trusted)
    assert f"key {old.id} was not valid on 2026-01-03" in finding.reason


def test_an_unknown_key_is_named() -> None:
    known, unknown = SigningKey.made(), SigningKey.made()
    (finding,) = findings(log_of(unknown), trusting(known))
    assert finding.kind is Kind.FORGED
    assert f"the unknown key {unknown.id}" in finding.reason


def test_an_altered_checkpoint_is_forged() -> None:
    key = SigningKey.made()
    (value,) = log_of(key)
    (finding,) = findings([value.replace(b'"changes":3', b'"changes":2')], trusting(key))
    assert "it is forged, or was altered" in finding.reason


def test_a_removed_checkpoint_is_missed() -> None:
    key = SigningKey.made()
    first, _, third = log_of(key, key, key)
    (finding,) = findings([first, third], trusting(key))
    assert "checkpoint 3 stands where 2 is due" in finding.reason


def test_a_checkpoint_that_follows_another_history_is_told() -> None:
    key = SigningKey.made()
    one, other = log_of(key, key), log_of(SigningKey.made())
    second = signed(other[0], "stance.changes.v1", [PARTITION], NEW_YEAR, key).model_dump_json().encode()
    (finding,) = findings([one[0], second], trusting(key))
    assert "follows another than the one before it" in finding.reason


def test_a_checkpoint_cut_off_the_end_is_known_from_its_copy() -> None:
    key = SigningKey.made()
    values = log_of(key, key)
    (finding,) = findings(values[:1], trusting(key), values)
    assert (finding.kind, finding.subject) == (Kind.MISSING, "copy 2")


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"{}", b'{"type": "change"}', b"\xff"])
def test_what_is_no_checkpoint_is_told(value: bytes) -> None:
    (finding,) = findings([value], trusting(SigningKey.made()))
    assert "it is no checkpoint" in finding.reason


def test_a_signature_that_is_no_base64_is_told() -> None:
    key = SigningKey.made()
    checkpoint = Checkpoint.model_validate_json(log_of(key)[0]).model_copy(update={"signature": "ä?"})
    (finding,) = findings([checkpoint.model_dump_json().encode()], trusting(key))
    assert "it is forged" in finding.reason


def test_a_key_is_written_for_its_owner_only_and_never_over_another(tmp_path: Path) -> None:
    path, key = tmp_path / "signing.pem", SigningKey.made()
    key.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.read(path).id == key.id
    with pytest.raises(KeyFileError, match="can't be written"):
        SigningKey.made().write(path)


def test_keys_added_one_after_the_other_are_all_trusted(tmp_path: Path) -> None:
    path, keys = tmp_path / "trusted.yaml", [SigningKey.made(), SigningKey.made()]
    path.write_text("".join(entry(key, NEW_YEAR) for key in keys))
    trusted = TrustedKeys.read(path)
    assert len(trusted) == 2
    assert findings(log_of(*keys), trusted) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- public_key: nonsense\n  valid_from: 2026-01-01T00:00:00Z\n", "PEM"),
        ("- valid_from: 2026-01-01T00:00:00Z\n", "0.public_key: Field required"),
        ("- {public_key: x, valid_from: yesterday}\n", "0.valid_from"),
        ("- {public_key: x, valid_from: 2026-01-01T00:00:00Z, valid_til: 2027-01-01T00:00:00Z}\n", "0.valid_til"),
        ("{", "while parsing"),
    ],
)
def test_a_wrong_file_of_trusted_keys_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "trusted.yaml"
    path.write_text(content)
    with pytest.raises(KeyFileError, match=f"trusted.yaml: .*{reason}"):
        TrustedKeys.read(path)


@pytest.mark.parametrize("content", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "signing.pem"
    path.write_text(content)
    with pytest.raises(KeyFileError, match="holds no private key"):
        SigningKey.read(path)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_a_checkpoint(tmp_path: Path) -> None:
    key = SigningKey.made()
    (value,) = log_of(key)
    (tmp_path / "key.pem").write_text(key.public_pem)
    (tmp_path / "statement").write_bytes(statement(value))
    signature = base64.b64decode(Checkpoint.model_validate_json(value).signature)
    (tmp_path / "signature").write_bytes(signature)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in statement -sigfile signature"
    assert subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "statement").write_bytes(statement(value) + b" ")
    assert subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True).returncode != 0
