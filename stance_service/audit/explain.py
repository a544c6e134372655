"""`stance-service audit explain`: why was a change announced, and what would have been without each observation?"""

from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from shared.dead_letters import Record
from shared.events import OBSERVATION_EVENT, Article, Cause, Digest, Observation, StanceChange
from shared.signing import TrustedKeys
from stance_service.audit.explanation import Explanation, Reason, source, trigger_of, without
from stance_service.audit.findings import Place
from stance_service.audit.gathering import Gathering
from stance_service.belief import Parameters
from stance_service.records import Entry, decode

Articles = dict[tuple[Digest, int], tuple[Place, Article]]


def explain(
    wanted: str, topics: Gathering, parameters: Parameters, trusted: TrustedKeys, copies: Sequence[bytes] = ()
) -> Explanation:
    """Of the change whose id begins so; raises PermanentError if there is none, or more than one."""
    record, change = topics.change(wanted)
    observed = topics.observed(change.actor)
    articles = topics.articles({(each.article_id, each.revision) for each in change.causes})
    entries, note = _tracked(change, observed, parameters)
    notes = [note] if note else []
    if not len(trusted):
        notes.append("No key is trusted, so that no checkpoint is looked for: see STANCE_AUDIT_TRUSTED_KEYS.")
    reasons = [_reason(each, observed, articles) for each in change.causes]
    if any(each.observation is None or each.source is None for each in reasons):
        notes.append("Some of the observations or articles are no longer on their topics.")
    if entries is not None:
        reasons = [
            each.model_copy(update={"without": without(each.cause.observation, entries, change, parameters)})
            for each in reasons
        ]
    return Explanation(
        change=change,
        place=_place(record),
        chain=topics.chain_place(record, change, trusted, copies if len(trusted) else ()),
        reasons=tuple(reasons),
        notes=tuple(notes),
    )


def _tracked(
    change: StanceChange, observed: Sequence[Record], parameters: Parameters
) -> tuple[list[Entry] | None, str]:
    """What was tracked of the actor up to the change; or why that can't be told."""
    if change.parameters != parameters.version:
        return None, (
            f"The change was announced with the parameters {change.parameters}, and those set are "
            f"{parameters.version}. What would have been without an observation can be told only with "
            "STANCE_TRACK_... set as they were then."
        )
    try:
        entries = [decode(each.value or b"") for each in observed]
    except ValidationError as error:
        return None, f"An observation of {change.actor} can't be read: {error}. See stance-service audit verify."
    trigger = trigger_of(entries, change, parameters)
    if trigger is None:
        return None, "The observations on the topic do not lead to this change: see stance-service audit verify."
    return list(entries[: trigger + 1]), ""


def _reason(cause: Cause, observed: Sequence[Record], articles: Articles) -> Reason:
    found = _observation(cause.observation, observed)
    article = articles.get((cause.article_id, cause.revision))
    return Reason(
        cause=cause,
        observation=found[1] if found else None,
        place=found[0] if found else None,
        source=source(article[1], article[0], found[1]) if article and found else None,
        without=None,
    )


def _observation(wanted: Digest, observed: Sequence[Record]) -> tuple[Place, Observation] | None:
    for record in observed:
        if wanted.encode() in (record.value or b""):
            with suppress(ValidationError):
                event = OBSERVATION_EVENT.validate_json(record.value or b"")
                if isinstance(event, Observation) and event.id == wanted:
                    return _place(record), event
    return None


def _place(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)
