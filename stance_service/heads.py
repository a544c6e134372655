"""Where the chains of stance changes stand, read from their topic."""

from collections.abc import Callable, Collection

import msgspec

from shared import topics
from shared.chain import Heads
from shared.dead_letters import parked_by_hand
from shared.errors import PermanentError
from shared.settings import BrokerSettings
from stance_service.scanning import ends, scan


def recorded_heads(settings: BrokerSettings, partitions: Collection[int], beat: Callable[[], None]) -> dict[int, Heads]:
    """Of the actors of some partitions: changes lie on the partition of the observations that they came from.

    Raises PermanentError for a record that is no change. `beat` is called again and again.
    """
    heads = {number: Heads() for number in partitions}
    topic = settings.topic(topics.CHANGES)
    spans = {number: span for number, span in ends(settings, topic, uncommitted=True).items() if number in heads}
    parked = parked_by_hand(settings, topics.CHANGES)
    for messages in scan(settings, topic, spans, beat):
        for message in messages:
            number, offset = message.partition() or 0, message.offset() or 0
            if (number, offset) in parked:
                continue
            try:
                heads[number].saw(str(message.key() or b"", "utf-8"), bytes(message.value() or b""))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise PermanentError(
                    f"{message.topic()}, partition {number}, offset {offset} is no stance change: {error}. Nothing is "
                    "tracked until it is explained (stance-service audit verify), and taken out: stance-service "
                    f"dead-letters park {topics.CHANGES.name} {number} {offset} --by NAME --reason WHY"
                ) from error
    return heads
