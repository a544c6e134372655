"""`stance-service replay`: what would be said now of what was recorded then."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from shared import broker, topics
from shared.errors import PermanentError
from shared.events import Digest
from shared.ids import slug
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from stance_service import build
from stance_service.axes import propositions
from stance_service.replay import show
from stance_service.replay.plan import Plan, Source
from stance_service.replay.ranges import Asked, bound
from stance_service.replay.rereading import Selection
from stance_service.replay.run import Replay
from stance_service.replay.shadow import Shadow
from stance_service.settings import ClassifierSettings, TrackerSettings

CHANGEABLE: Final = (ClassifierSettings, TrackerSettings)


def replay(
    source: Annotated[Source, typer.Argument(help="What is gone through again.")] = "stance.observations.v1",
    *,
    start: Annotated[
        str | None, typer.Option("--from", help="A date, a time, or offsets by partition such as 0/1200,3/80.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="The same; what was written before.")] = None,
    article: Annotated[str | None, typer.Option(help="Only this article, by its id.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only this actor, by name or slug.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting for this replay: STANCE_TRACK_ENTER=0.8. Repeatable.")
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Prefix of topics of its own to write to, such as replay. ; continued if begun.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="List what differs from what was recorded.")] = False,
    report: Annotated[Path | None, typer.Option(help="File to write everything to, as JSON.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to share the partitions.")] = 1,
) -> None:
    """Go through articles or observations again, with the settings of now, and touch nothing that was recorded."""
    _change(settings or [])
    logs = LogSettings()
    configure_logging(
        "stance-service replay", "WARNING" if logs.log_level == "INFO" else logs.log_level, logs.log_format
    )
    classifying = ClassifierSettings()
    who = slug(actor) if actor else None
    with broker.running(BrokerSettings()) as production:
        asked = Asked(production.topic(_topic(source)), bound(start, "--from"), bound(end, "--to"))
        shadow = Shadow.of(production, into) if into is not None else None
        plan = _plan(production, source, asked, actor=who, article=article, classifying=classifying)
        if shadow is not None:
            plan = shadow.begin(plan)
        selection = Selection(article, _names(who, classifying) if who else ())
        outcome = Replay(production, plan, selection, workers, show.Bars(), shadow).run(compare=compare)
    if report is not None:
        report.write_text(show.as_json(plan, outcome), encoding="utf-8")
    Console().print(show.summary(plan, outcome, compared=compare))
    if outcome.unread:
        raise typer.Exit(1)


def _change(assignments: list[str]) -> None:
    """For this process and those that it starts; raises PermanentError for what isn't such a setting."""
    known = [f"{model.model_config['env_prefix']}{name}".upper() for model in CHANGEABLE for name in model.model_fields]
    for each in assignments:
        name, equals, value = each.partition("=")
        if name not in known or not equals:
            raise PermanentError(f"--set {name}: give NAME=VALUE, NAME being one of {', '.join(known)}")
        os.environ[name] = value


def _plan(
    production: BrokerSettings,
    source: Source,
    asked: Asked,
    *,
    actor: str | None,
    article: Digest | None,
    classifying: ClassifierSettings,
) -> Plan:
    spans = asked.resolve(production)
    of_articles = source == topics.ARTICLES.name
    folded = (
        Asked(production.topic(topics.OBSERVATIONS)).resolve(production, may_be_empty=True) if of_articles else spans
    )
    return Plan(
        source=source,
        articles=spans if of_articles else {},
        observations=folded,
        actor=actor,
        article=article,
        parameters=TrackerSettings().parameters(),
        axes=tuple(propositions(classifying).axes),
        classifier=build.classifier(classifying).version if of_articles else None,
    )


def _topic(source: Source) -> topics.Topic:
    return topics.ARTICLES if source == topics.ARTICLES.name else topics.OBSERVATIONS


def _names(actor: str, classifying: ClassifierSettings) -> tuple[str, ...]:
    """How an actor may be called in an article, as slugs."""
    registered = build.registry(classifying).by_slug.get(actor)
    return (actor, *(slug(name) for name in (registered.name, *registered.aliases))) if registered else (actor,)
