"""`stance-service serve`: stance changes over HTTP, as they come."""

import asyncio
from typing import Final

from shared.settings import secret
from stance_service.actors.registry import Registry
from stance_service.api.app import Streams, application
from stance_service.api.contract import documents
from stance_service.api.hub import Hub
from stance_service.api.server import serve as serving
from stance_service.axes import propositions
from stance_service.settings import ApiSettings, ClassifierSettings
from stance_service.working import working

LONGEST_TURN_SECONDS: Final = 60.0


def serve() -> None:
    """Stream stance changes as server-sent events, and tell what the topics hold, until stopped."""
    settings, classifying = ApiSettings(), ClassifierSettings()
    token = secret("STANCE_API_TOKEN", settings.token, settings.token_file)
    actors = Registry.shipped(classifying.registry).by_slug.values()
    tags = {actor.slug: frozenset(actor.tags) for actor in actors}
    axes = frozenset(propositions(classifying).axes)
    with working("serve", LONGEST_TURN_SECONDS, "Kafka does not answer") as worker, worker.connected() as reachable:
        hub = Hub(reachable, settings.room)
        app = application(Streams(settings, token, hub, axes, tags), settings, documents())
        worker.readiness.missing = None

        def stopping() -> bool:
            worker.progress.beat()
            return worker.asked()

        asyncio.run(serving(settings, app, hub, stopping, sparing=worker.settings.embedded))
