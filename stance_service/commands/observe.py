"""`stance-service observe`: articles in, observations out."""

import asyncio
from typing import Annotated

import typer
from faststream import FastStream

from shared import broker
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from stance_service import build
from stance_service.classifiers.base import Classifier
from stance_service.observed import ObservedArticles
from stance_service.observer import Observer
from stance_service.settings import ClassifierSettings


def observe(
    member: Annotated[
        str | None, typer.Option(help="A lasting name for this worker: after a restart it goes on at once.")
    ] = None,
) -> None:
    """Judge the articles of `articles.v1` until stopped."""
    logs, settings = LogSettings(), BrokerSettings()
    configure_logging("stance-service observe", logs.log_level, logs.log_format)
    classifier = build.classifier(ClassifierSettings())
    if member is None and settings.embedded:
        member = "0"  # the embedded broker never misses a dead worker
    with broker.running(settings) as reachable:
        asyncio.run(_observe(reachable, classifier, member))


async def _observe(settings: BrokerSettings, classifier: Classifier, member: str | None) -> None:
    kafka = broker.faststream_broker(settings)
    app = FastStream(kafka)
    observed = ObservedArticles(settings)
    observer = Observer(settings, classifier, observed, broker.producer(settings))
    observer.subscribe(kafka, member, app.exit)
    try:
        await app.run()
    finally:
        observed.close()
    if observer.failure is not None:
        raise observer.failure
