"""`stance-service observe`: articles in, observations out."""

import logging
import os
from contextlib import closing
from typing import Annotated, Final

import typer

from shared import broker
from shared.health import Checks, Progress, Readiness, serving_health
from shared.observability import configure_logging
from shared.settings import BrokerSettings, HealthSettings, LogSettings
from shared.workers import connected
from stance_service import build, stopping
from stance_service.axes import propositions
from stance_service.observe_loop import ObserveLoop
from stance_service.observed import ObservedArticles
from stance_service.observer import Observer
from stance_service.settings import ClassifierSettings

LONGEST_ARTICLE_SECONDS: Final = 15 * 60.0


def observe(
    member: Annotated[
        str | None, typer.Option(help="A lasting name for this worker: after a restart it goes on at once.")
    ] = None,
) -> None:
    """Judge the articles of `articles.v1` until stopped."""
    asked = stopping.on_signal()
    logs, settings, classifying = LogSettings(), BrokerSettings(), ClassifierSettings()
    configure_logging("stance-service observe", logs.log_level, logs.log_format)
    if member is None and settings.embedded:
        member = "0"  # the embedded broker never misses a dead worker
    progress, readiness = Progress("observe", LONGEST_ARTICLE_SECONDS), Readiness("the model is being loaded")
    checks = Checks(live={"progress": progress}, ready={"partitions": readiness})
    with serving_health(HealthSettings(), checks):
        classifier = build.classifier(classifying)
        with (
            connected(settings, progress, readiness, asked) as reachable,
            closing(ObservedArticles(reachable)) as observed,
        ):
            observer = Observer(
                reachable,
                classifier,
                frozenset(propositions(classifying).axes),
                observed,
                broker.producer(reachable),
                beat=progress.beat,
            )
            loop = ObserveLoop(reachable, observer, progress, readiness, member, sparing=settings.embedded)
            finished = loop.run(asked)
    if not finished:
        logging.shutdown()
        os._exit(0)  # the model can't be interrupted; all that was ours to close is closed
