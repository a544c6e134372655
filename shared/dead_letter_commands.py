"""`dead-letters`: the commands by which operators look at, re-drive and park records; both services have them."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared import broker
from shared.by_hand import park_by_hand, re_drive
from shared.dead_letters import Parked, parked
from shared.errors import PermanentError
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from shared.topics import TOPICS, Topic

TopicName = Annotated[str, typer.Argument(help="The topic that the records were read from, such as articles.v1.")]
By = Annotated[str, typer.Option(help="Your name; it is kept with the record.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the record.")]


def dead_letters(service: str) -> typer.Typer:
    """The commands for a service of that name."""
    app = typer.Typer(no_args_is_help=True, help="Look at parked records, drive them again, or park one by hand.")

    @app.command(name="list")
    def list_letters(topic: TopicName) -> None:
        """List the dead letters of a topic: number, place, reason, who parked it, what became of it."""
        with _connected(service) as settings:
            table = Table("number", "parked at", "place", "reason", "by", "driven again")
            for each in parked(settings, _topic(topic)):
                table.add_row(*_row(each))
        Console().print(table)

    @app.command()
    def show(topic: TopicName, number: Annotated[int, typer.Argument(help="As listed.")]) -> None:
        """Print a dead letter as JSON: reason, place, headers, and the record's own bytes."""
        with _connected(service) as settings:
            found = [each for each in parked(settings, _topic(topic)) if each.number == number]
        if not found:
            raise PermanentError(f"{topic} has no dead letter {number}; see `{service} dead-letters list {topic}`")
        typer.echo(json.dumps(_fields(found[0]), indent=2, ensure_ascii=False))

    @app.command(name="re-drive")
    def drive_again(
        topic: TopicName,
        *,
        by: By,
        why: Why,
        number: Annotated[list[int] | None, typer.Option(help="This one, as listed; may be repeated.")] = None,
        reason: Annotated[str | None, typer.Option(help="Those whose reason has this text.")] = None,
        since: Annotated[datetime | None, typer.Option(help="Those parked from then on (UTC).")] = None,
        until: Annotated[datetime | None, typer.Option(help="Those parked before then (UTC).")] = None,
        everything: Annotated[bool, typer.Option("--all", help="All that were not driven yet.")] = False,
    ) -> None:
        """Write dead letters to their topic again; all conditions must hold, and none is ever driven twice."""
        if not everything and not number and reason is None and since is None and until is None:
            raise PermanentError("say which: --number, --reason, --since, --until or --all")
        wanted = _wanted(number, reason, since, until)
        with _connected(service) as settings:
            driven = re_drive(settings, _topic(topic), wanted, by=by, why=why)
        typer.echo(f"{len(driven)} driven again{': ' if driven else ''}{', '.join(map(str, driven))}")

    @app.command()
    def park(
        topic: TopicName,
        partition: Annotated[int, typer.Argument(min=0)],
        offset: Annotated[int, typer.Argument(min=0)],
        by: By,
        reason: Why,
    ) -> None:
        """Take a record out of a topic, for one that the tracker stopped at. Start the tracker again afterwards."""
        with _connected(service) as settings:
            park_by_hand(
                settings, _topic(topic), partition, offset, reason=reason, by=by, service=f"{service} dead-letters"
            )
        typer.echo(f"{topic}, partition {partition}, offset {offset} is parked; start what stopped at it again")

    return app


@contextmanager
def _connected(service: str) -> Iterator[BrokerSettings]:
    logs = LogSettings()
    configure_logging(f"{service} dead-letters", logs.log_level, logs.log_format)
    with broker.running(BrokerSettings()) as settings:
        yield settings


def _topic(name: str) -> Topic:
    known = {topic.name: topic for topic in TOPICS if topic.consumed}
    if name not in known:
        raise PermanentError(f"no topic {name!r} has dead letters; those that have are {', '.join(known)}")
    return known[name]


def _wanted(
    numbers: list[int] | None, reason: str | None, since: datetime | None, until: datetime | None
) -> Callable[[Parked], bool]:
    def wanted(each: Parked) -> bool:
        at = each.letter.parked_at
        return (
            (not numbers or each.number in numbers)
            and (reason is None or reason in each.letter.reason)
            and (since is None or at >= since.replace(tzinfo=UTC))
            and (until is None or at < until.replace(tzinfo=UTC))
        )

    return wanted


def _row(each: Parked) -> list[str]:
    letter, drive = each.letter, each.re_driven
    return [
        str(each.number),
        f"{letter.parked_at:%Y-%m-%d %H:%M:%S}",
        f"{letter.record.partition}/{letter.record.offset}",
        letter.reason,
        letter.by or letter.service,
        f"{drive.at:%Y-%m-%d %H:%M} by {drive.by}: {drive.why}" if drive else "",
    ]


def _fields(each: Parked) -> dict[str, Any]:
    letter, drive = each.letter, each.re_driven
    return {
        "number": each.number,
        "reason": letter.reason,
        "topic": letter.record.topic,
        "partition": letter.record.partition,
        "offset": letter.record.offset,
        "written_at": datetime.fromtimestamp(letter.record.written_at_ms / 1000, UTC).isoformat(),
        "parked_at": letter.parked_at.isoformat(),
        "by": letter.by or None,
        "service": letter.service,
        "version": letter.version,
        "re_driven": drive and {"at": drive.at.isoformat(), "by": drive.by, "why": drive.why},
        "headers": [[name, _text(value)] for name, value in letter.record.headers],
        "key": _text(letter.record.key),
        "value": _text(letter.record.value),
    }


def _text(value: bytes | None) -> str | dict[str, str] | None:
    """UTF-8 as it is; other bytes as Base64, so that nothing is lost."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
