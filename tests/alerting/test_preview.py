"""What `--check` says of rules, apart from what they would have sent."""

from stance_service.alerts.preview import unknown_actors
from tests.alerting.changes import KNOWN, change, rule


def test_an_actor_that_neither_registry_nor_changes_know_is_named_with_up_to_three_close_ones() -> None:
    rules = [
        rule(name="known", actors=["openai", "mistral-ai"]),
        rule(name="misspelt", actors=["opnai", "openai"]),
        rule(name="strange", actors=["zzz"]),
        rule(name="anybody"),
    ]
    changes = [change(name, actor=name) for name in ("mistral-ai", "openai-lp", "open-ai", "opena")]
    assert list(unknown_actors(rules, changes, KNOWN.tags)) == [
        "rule misspelt: actor opnai is neither in the registry nor in any change; close to it: openai, open-ai, opena",
        "rule strange: actor zzz is neither in the registry nor in any change",
    ]
