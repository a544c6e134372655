"""`stance-service observe`: articles in, observations out."""

from contextlib import closing
from typing import Final

from shared import broker
from stance_service import build
from stance_service.axes import propositions
from stance_service.observe_loop import ObserveLoop
from stance_service.observed import ObservedArticles
from stance_service.observer import Observer
from stance_service.settings import ClassifierSettings
from stance_service.working import Member, working

LONGEST_ARTICLE_SECONDS: Final = 15 * 60.0


def observe(member: Member = None) -> None:
    """Judge the articles of `articles.v1` until stopped."""
    with working("observe", LONGEST_ARTICLE_SECONDS, "the model is being loaded") as worker:
        classifying = ClassifierSettings()
        classifier = build.classifier(classifying)
        with worker.connected() as reachable, closing(ObservedArticles(reachable)) as observed:
            observer = Observer(
                reachable,
                classifier,
                frozenset(propositions(classifying).axes),
                observed,
                broker.producer(reachable),
                beat=worker.progress.beat,
            )
            ObserveLoop(
                reachable,
                observer,
                worker.progress,
                worker.readiness,
                worker.member(member),
                sparing=worker.settings.embedded,
            ).run(worker.asked)
