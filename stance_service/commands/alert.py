"""`stance-service alert`: tell people and programs of the stance changes that matter to them."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer
from rich.console import Console

from shared import edtf
from shared.errors import PermanentError
from shared.faststream_broker import faststream_broker
from shared.settings import BrokerSettings
from stance_service.actors.registry import Registry
from stance_service.alerts import build, worker
from stance_service.alerts.dispatch import Dispatcher
from stance_service.alerts.outbox import Outbox
from stance_service.alerts.preview import preview, unknown_actors
from stance_service.alerts.rulebook import Known, Rulebook, RulesError, parse
from stance_service.alerts.subscriber import Subscriber, begin
from stance_service.axes import propositions
from stance_service.reading import up_to_date
from stance_service.settings import AlertSettings, ClassifierSettings
from stance_service.working import Member, working

LONGEST_TURN_SECONDS: Final = 120.0


def alert(
    rules: Annotated[Path, typer.Argument(help="YAML file of rules and channels, see docs/subscribe.md.")],
    check: Annotated[
        bool, typer.Option("--check", help="Send nothing: show which past changes each rule would have sent.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="With --check: only positions that began then or later, such as 2016.")
    ] = None,
    enable: Annotated[str | None, typer.Option(help="Send nothing: let this disabled channel be tried again.")] = None,
    member: Member = None,
) -> None:
    """Deliver stance changes by rules, until stopped."""
    if since is not None and not check:
        raise PermanentError("--since says which past changes --check shows; give both")
    known, alerting = _known(), AlertSettings()
    book = _read(rules, known)
    if check:
        build.channels(book.channels, httpx2.AsyncClient(), alerting.timeout_seconds)  # refuses wrong secrets
        _show(book, known, since)
    elif enable is not None:
        _enable(book, enable)
    else:
        _run(book, known, alerting, member)


def _known() -> Known:
    settings = ClassifierSettings()
    actors = Registry.shipped(settings.registry).by_slug.values()
    return Known(propositions(settings).axes.keys(), {actor.slug: frozenset(actor.tags) for actor in actors})


def _read(path: Path, known: Known) -> Rulebook:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: {error}") from error
    return parse(text, str(path), known)


def _show(book: Rulebook, known: Known, since: str | None) -> None:
    try:
        earliest = edtf.EARLIEST if since is None else edtf.bounds(since)[0]
    except ValueError as error:
        raise PermanentError(f"--since: {error}") from error
    with up_to_date("alert") as (history, _):
        changes = history.changes()
    for each in unknown_actors(book.rules, changes, known.tags):
        typer.echo(f"warning: {each}", err=True)
    Console().print(preview(book.rules, changes, known.tags, earliest))


def _enable(book: Rulebook, name: str) -> None:
    if name not in book.channels:
        allowed = ", ".join(sorted(book.channels))
        raise PermanentError(f"--enable {name}: there is no such channel; allowed are {allowed}")
    with closing(_outbox(BrokerSettings())) as outbox:
        was_disabled = outbox.disabled(name) is not None
        outbox.enable(name)
    typer.echo(f"{name} is tried again" if was_disabled else f"{name} was not disabled")


def _run(book: Rulebook, known: Known, alerting: AlertSettings, member: str | None) -> None:
    client = httpx2.AsyncClient()
    channels = build.channels(book.channels, client, alerting.timeout_seconds)
    with (
        working("alert", LONGEST_TURN_SECONDS, "Kafka gave no partitions yet") as process,
        closing(_outbox(process.settings)) as outbox,
        process.connected() as reachable,
    ):
        begin(reachable, alerting.start)
        park = worker.parker(reachable)
        subscriber = Subscriber(outbox, book.rules, known.tags, park)
        dispatcher = Dispatcher(outbox, channels, build.patience(alerting), park)
        faststream = faststream_broker(reachable)
        subscriber.subscribe(faststream, reachable, process.member(member))

        async def run() -> None:
            async with client:
                await worker.work(
                    faststream,
                    subscriber,
                    dispatcher,
                    stopping=process.asked,
                    progress=process.progress,
                    readiness=process.readiness,
                )

        asyncio.run(run())


def _outbox(settings: BrokerSettings) -> Outbox:
    return Outbox(settings.data_dir / "alerts.sqlite")
