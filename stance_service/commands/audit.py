"""`stance-service audit`: seal, verify and explain what was announced."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from confluent_kafka import KafkaException
from pydantic import ValidationError
from rich.console import Console

from shared import access, broker
from shared.errors import PermanentError, StanceError, TransientError
from shared.observability import configure_logging, report_failure
from shared.settings import BrokerSettings, LogSettings
from shared.settings import explain as wrong_settings
from shared.signing import SigningKey, TrustedKeys, entry
from stance_service.audit import explained, telling
from stance_service.audit.checkpointer import Checkpointer, copies
from stance_service.audit.explain import explain as explanation
from stance_service.audit.gathering import Gathering
from stance_service.audit.page import page
from stance_service.audit.verify import Verification
from stance_service.settings import AuditSettings, TrackerSettings
from stance_service.working import Worker, working

NAP_SECONDS: Final = 0.2
NOT_VERIFIED: Final = 2
"""Exit status of `verify` when there are no differences, but not all could be verified."""

audit = typer.Typer(no_args_is_help=True, help="Seal, verify and explain what was announced, see docs/audit.md.")


@audit.command()
def keygen(
    key: Annotated[Path, typer.Argument(help="File for the private key; it must not exist.")],
    trusted: Annotated[Path, typer.Argument(help="YAML file of trusted keys; the public key is added to it.")],
) -> None:
    """Make a key to sign checkpoints with, trusted from now on."""
    made = SigningKey.made()
    made.write(key)
    try:
        with trusted.open("a", encoding="utf-8") as file:
            file.write(entry(made, datetime.now(UTC)))
    except OSError as error:
        raise PermanentError(f"the key is written, and can't be added to the trusted ones: {error}") from error
    TrustedKeys.read(trusted)  # what was there before may be wrong
    typer.echo(made.id)


@audit.command()
def checkpoint(
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on until stopped, one each so many seconds. Unset: only one.")
    ] = None,
) -> None:
    """Verify the chains of all changes, and sign a statement of where they stand."""
    settings = AuditSettings()
    if settings.signing_key is None:
        raise PermanentError("STANCE_AUDIT_SIGNING_KEY is not set; make a key with stance-service audit keygen")
    key, trusted = SigningKey.read(settings.signing_key), _trusted(settings)
    if key.id not in trusted:
        raise PermanentError(f"key {key.id} is not among the trusted ones: nobody could verify what it signs")
    if every is None:
        with _connected("checkpoint") as reachable:
            made = Checkpointer(reachable, key, trusted).write(settings.checkpoint_copy)
        typer.echo(f"checkpoint {made.sequence} seals {sum(each.changes for each in made.partitions)} changes")
    else:
        with working("audit checkpoint", every + 600, "Kafka does not answer") as worker:
            _seal_on(worker, key, trusted, settings.checkpoint_copy, every)


@audit.command()
def verify(
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Recompute all positions and changes, verify chains and checkpoints, and tell all differences.

    Exit status 0: there are none; 1: there are some; 2: there are none, but not all could be verified.
    """
    try:
        settings, parameters = AuditSettings(), TrackerSettings().parameters()
        trusted, kept = _trusted(settings), copies(settings.checkpoint_copy)
        with _connected("verify") as reachable:
            verdict = Verification(reachable, parameters, trusted, kept).run()
    except (StanceError, ValidationError) as error:
        reason = wrong_settings(error) if isinstance(error, ValidationError) else error
        report_failure("stance-service", f"nothing was verified: {reason}")
        raise typer.Exit(NOT_VERIFIED) from error
    if json:
        typer.echo(telling.json(verdict))
    else:
        Console().print(telling.text(verdict))
    raise typer.Exit(verdict.status)


@audit.command()
def explain(
    change: Annotated[
        str, typer.Argument(help="The change's id, or how it begins; see stance-service changes --json.")
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file, to attach to a report.")] = None,
) -> None:
    """Tell why a change was announced, where each record of it lies, and what would have been without each."""
    settings, parameters = AuditSettings(), TrackerSettings().parameters()
    trusted, kept = _trusted(settings), copies(settings.checkpoint_copy)
    with _connected("explain") as reachable:
        found = explanation(change, Gathering(reachable), parameters, trusted, kept)
    if html is not None:
        try:
            html.write_text(page(found, datetime.now(UTC)), encoding="utf-8")
        except OSError as error:
            raise PermanentError(f"--html: {error}") from error
    if json:
        typer.echo(found.model_dump_json())
    elif html is None:
        Console().print(explained.text(found))


def _trusted(settings: AuditSettings) -> TrustedKeys:
    return TrustedKeys(()) if settings.trusted_keys is None else TrustedKeys.read(settings.trusted_keys)


@contextmanager
def _connected(command: str) -> Iterator[BrokerSettings]:
    logs = LogSettings()
    level = "WARNING" if logs.log_level == "INFO" else logs.log_level
    configure_logging(f"stance-service audit {command}", level, logs.log_format)
    settings = BrokerSettings()
    with _readable(settings), broker.running(settings) as reachable:
        yield reachable


@contextmanager
def _readable(settings: BrokerSettings) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise TransientError(f"the topics can't be read or written: {access.told(settings, error)}") from error


def _seal_on(worker: Worker, key: SigningKey, trusted: TrustedKeys, copy: Path | None, every: float) -> None:
    with _readable(worker.settings), worker.connected() as reachable:
        worker.readiness.missing = None
        checkpointer = Checkpointer(reachable, key, trusted)
        due = time.monotonic()
        while not worker.asked():
            worker.progress.beat()
            if time.monotonic() >= due:
                checkpointer.write(copy)
                due = time.monotonic() + every
            time.sleep(NAP_SECONDS)
