"""Which changes a rule wants, when it lets them be sent, and which files of rules are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import ChangeKind
from stance_service.alerts.retrying import Patience
from stance_service.alerts.rulebook import Known, RulesError, parse
from stance_service.alerts.rules import QuietHours
from stance_service.alerts.subscriber import deliveries
from tests.alerting.changes import KNOWN, NOON, change, rule, rulebook

NIGHT = {"from": "22:00", "until": "07:00", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, True),
        ({"actors": ["openai"]}, True),
        ({"actors": ["meta"]}, False),
        ({"tags": ["lab"]}, True),
        ({"tags": ["platform"]}, False),
        ({"actors": ["meta"], "tags": ["lab"]}, True),
        ({"axes": ["profit"]}, False),
        ({"kinds": ["shift", "revision"]}, True),
        ({"kinds": ["revision"]}, False),
        ({"polarities": ["-1"]}, True),
        ({"polarities": ["+1", "unclear"]}, False),
        ({"minimum_probability": "0.97"}, True),
        ({"minimum_probability": "0.98"}, False),
        ({"basis": ["acted"]}, True),
        ({"basis": ["stated"]}, False),
        ({"actors": ["openai"], "axes": ["profit"]}, False),
    ],
)
def test_a_rule_wants_changes_for_which_all_it_says_holds(fields: dict[str, Any], wanted: bool) -> None:
    assert rule(**fields).wants(change(), KNOWN.tags) is wanted


def test_a_position_that_is_gone_is_unclear() -> None:
    assert rule(polarities=["unclear"]).wants(change(kind=ChangeKind.REVISION), KNOWN.tags)


@pytest.mark.parametrize(
    ("fields", "at", "due"),
    [
        ({}, "2024-06-01T12:34:00", "2024-06-01T12:34:00"),
        ({"quiet": NIGHT}, "2024-06-01T12:00:00", "2024-06-01T12:00:00"),
        ({"quiet": NIGHT}, "2024-06-01T21:00:00", "2024-06-02T05:00:00"),
        ({"quiet": NIGHT}, "2024-01-01T21:00:00", "2024-01-02T06:00:00"),
        ({"quiet": NIGHT}, "2024-06-02T03:00:00", "2024-06-02T05:00:00"),
        ({"digest_minutes": 60}, "2024-06-01T12:34:00", "2024-06-01T13:00:00"),
        ({"digest_minutes": 60}, "2024-06-01T13:00:00", "2024-06-01T14:00:00"),
        ({"digest_minutes": 60, "quiet": NIGHT}, "2024-06-01T19:30:00", "2024-06-02T05:00:00"),
        ({"quiet": {**NIGHT, "until": "02:30"}}, "2024-03-30T22:00:00", "2024-03-31T01:30:00"),
        ({"quiet": {**NIGHT, "until": "02:30"}}, "2024-10-27T00:10:00", "2024-10-27T01:30:00"),
    ],
)
def test_quiet_hours_and_digests_put_a_notice_off(fields: dict[str, Any], at: str, due: str) -> None:
    put_off = rule(**fields).due(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert put_off == datetime.fromisoformat(due).replace(tzinfo=UTC)


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CLOCKS = st.times().map(lambda time: time.replace(second=0, microsecond=0))


@given(INSTANTS, CLOCKS, CLOCKS, ZONES, st.none() | st.integers(1, 10_000))
def test_a_notice_is_never_early_nor_sent_in_quiet_hours(
    at: datetime, start: Any, until: Any, zone: str, digest: int | None
) -> None:
    quiet = None if start == until else QuietHours.model_validate({"from": start, "until": until, "zone": zone})
    wanted = rule().model_copy(update={"quiet": quiet, "digest_minutes": digest})
    due = wanted.due(at)
    assert due >= at
    assert quiet is None or not quiet.hold(due)
    assert quiet is None or due.astimezone(ZoneInfo(zone)) - at < timedelta(days=2) + timedelta(minutes=digest or 0)


@given(st.lists(INSTANTS, min_size=2, max_size=2), st.integers(1, 1440))
def test_changes_of_a_window_and_no_others_share_a_digest(instants: list[datetime], minutes: int) -> None:
    first, second = (
        next(iter(deliveries(change(str(number)), [rule(digest_minutes=minutes)], at))).notice
        for number, at in enumerate(instants)
    )
    windows = {(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=minutes) for at in instants}
    assert (first == second) == (len(windows) == 1)


def test_the_changes_selected_of_the_past_are_those_that_would_have_been_sent() -> None:
    past = [change(str(hour), detected_at=NOON + timedelta(hours=hour)) for hour in range(50)]
    daily = rule(deduplicate_minutes=1440, kinds=["shift"])
    unwanted = change("unwanted", "established", detected_at=NOON)
    assert list(daily.selected([unwanted, *past], KNOWN.tags)) == [past[0], past[24], past[48]]


@given(st.integers(1, 100), st.floats(0, 1))
def test_pauses_grow_to_the_longest_and_never_beyond(failures: int, jitter: float) -> None:
    patience = Patience(timedelta(seconds=5), timedelta(hours=6), timedelta(days=1), timedelta(days=5))
    pause = patience.pause(failures, jitter)
    assert patience.first_pause / 2 <= pause <= patience.longest_pause
    assert pause <= patience.pause(failures + 1, jitter)


GOOD = """
channels:
  here: {kind: alertmanager, url: "http://localhost:9093"}
  desk:
    kind: email
    host: localhost
    from: a@example.org
    to: [b@example.org]
rules:
  - name: labs
    tags: [lab]
    quiet: {from: "22:00", until: "07:00", zone: Europe/Berlin}
    digest_minutes: 60
    channels: [here, desk]
"""


def test_a_file_of_rules_is_read() -> None:
    book = rulebook(GOOD)
    assert list(book.channels) == ["here", "desk"]
    assert book.rules[0].channels == {"here", "desk"}


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("tags: [lab]", "tgas: [lab]", "line 11: rules.0.tgas: is no field; allowed are actors, axes, basis"),
        ("host: localhost", "hosts: localhost", "line 6: channels.desk.email.hosts: is no field; allowed are from,"),
        ("{from: ", "{form: ", "line 12: rules.0.quiet.form: is no field; allowed are from, until, zone"),
        ('"22:00"', '"25:00"', "line 12: rules.0.quiet.from: .*hour.*, not '25:00'"),
        ('"07:00"', '"22:00"', "line 12: rules.0.quiet: .*from and until are both 22:00"),
        ('"22:00"', '"22:00+01:00"', "without an offset"),
        ("Europe/Berlin", "Europe/Bonn", "line 12: rules.0.quiet.zone: .*allowed are those of the IANA"),
        ("Europe/Berlin", "../x", "line 12: rules.0.quiet.zone: .*no time zone"),
        ("tags: [lab]", "kinds: [shfit]", "line 11: rules.0.kinds.0: .*'established', 'shift' or 'revision'"),
        ("tags: [lab]", "minimum_probability: 1.5", "line 11: rules.0.minimum_probability: .*less than or equal to 1"),
        ("tags: [lab]", "tags: [lap]", "line 11: rules.0.tags: there is no 'lap'; allowed are lab, platform"),
        ("tags: [lab]", "axes: [open]", "line 11: rules.0.axes: there is no 'open'; allowed are openness, profit"),
        ("[here, desk]", "[there]", "line 14: rules.0.channels: there is no 'there'; allowed are desk, here"),
        ("[here, desk]", "[]", "line 14: rules.0.channels: .*at least 1"),
        ("digest_minutes: 60", "digest_minutes: 0", "line 13: rules.0.digest_minutes"),
        ("digest_minutes: 60", "deduplicate_minutes: -1", "line 13: rules.0.deduplicate_minutes"),
        ("kind: email", "kind: fax", "line 4: channels.desk: .*'webhook', 'alertmanager', 'slack', 'email'"),
        ("from: a@example.org", "from: a", "line 7: channels.desk.email.from"),
        ("    tags: [lab]\n", "    tags: [lab]\n    tags: [lab]\n", "tags given twice"),
        ("    channels: [here, desk]\n", "    channels: [here]\n  - {name: labs, channels: [here]}\n", "names 2 rules"),
        (GOOD, "", "line 1: file"),
        (GOOD, "rules: [", "not YAML"),
        ("rules:", "rule:", "line 9: rule: is no field; allowed are channels, rules"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line_the_field_and_what_is_allowed(right: str, wrong: str, said: str) -> None:
    assert right in GOOD
    with pytest.raises(RulesError, match=said):
        rulebook(GOOD.replace(right, wrong))


def test_a_tag_that_no_actor_has_is_refused_saying_where_tags_are_given() -> None:
    with pytest.raises(RulesError, match="allowed are none, as no actor of the registry has any"):
        parse(GOOD, "rules.yaml", Known({"openness"}, {"openai": frozenset()}))
