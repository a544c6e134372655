"""`stance-service track`: observations in; positions and changes out."""

from typing import Final

from stance_service.axes import propositions
from stance_service.cycles import leave_history_alone
from stance_service.settings import ClassifierSettings, TrackerSettings
from stance_service.transactions import TransactionalLoop
from stance_service.working import Member, working

LONGEST_STEP_SECONDS: Final = 120.0
"""Between two beats lie a transaction, or a part of a restore; see STANCE_KAFKA_TIMEOUT_SECONDS."""


def track(member: Member = None) -> None:
    """Fold observations into positions and announce changes, exactly once, until stopped."""
    leave_history_alone()
    with working("track", LONGEST_STEP_SECONDS, "Kafka gave no partitions yet") as worker:
        parameters = TrackerSettings().parameters()
        axes = frozenset(propositions(ClassifierSettings()).axes)
        with worker.connected() as reachable:
            TransactionalLoop(
                reachable,
                parameters,
                worker.member(member),
                axes=axes,
                sparing=worker.settings.embedded,
                progress=worker.progress,
                readiness=worker.readiness,
            ).run(worker.asked)
