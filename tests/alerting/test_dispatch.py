"""Notices are sent once, tried again, given up and taken up again; a clock of the test's own tells the time."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.dead_letters import Record
from stance_service.alerts.channels.base import DeliveryError, Notice
from stance_service.alerts.dispatch import Dispatcher
from stance_service.alerts.outbox import Outbox
from stance_service.alerts.retrying import Patience
from stance_service.alerts.rules import Rule
from stance_service.alerts.subscriber import Subscriber
from tests.alerting.changes import KNOWN, NOON, change, record, rule

PATIENCE = Patience(timedelta(seconds=5), timedelta(hours=6), give_up=timedelta(days=1), disable=timedelta(days=5))


@dataclass
class Endpoint:
    """A channel that takes a notice, or raises the next of `failures`."""

    failures: list[DeliveryError] = field(default_factory=list)
    taken: list[Notice] = field(default_factory=list)

    async def send(self, notice: Notice) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(notice)

    @property
    def told(self) -> list[list[str]]:
        """Ids of the changes of each notice."""
        return [[each.id for each in notice.changes] for notice in self.taken]


@dataclass
class Setting:
    """An outbox on a file, one channel, and a clock that stands still until it is told to go on."""

    path: Path
    outbox: Outbox
    endpoint: Endpoint = field(default_factory=Endpoint)
    now: datetime = NOON
    parked: list[tuple[Record, str]] = field(default_factory=list)

    async def park(self, letter: Record, reason: str) -> None:
        self.parked.append((letter, reason))

    async def take(self, *records: Record, rules: tuple[Rule, ...] = (rule(),)) -> None:
        subscriber = Subscriber(self.outbox, rules, KNOWN.tags, self.park, lambda: self.now)
        for each in records:
            await subscriber.take(each)

    async def send(self, **later: float) -> None:
        """All that is due, after some time."""
        self.now += timedelta(**later)
        dispatcher = Dispatcher(
            self.outbox, {"here": self.endpoint}, PATIENCE, self.park, clock=lambda: self.now, jitter=lambda: 0.0
        )
        while await dispatcher.turn("here"):
            pass

    def restart(self) -> None:
        self.outbox.close()
        self.outbox = Outbox(self.path)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    path = tmp_path / "alerts.sqlite"
    with closing(Outbox(path)) as outbox:
        found = Setting(path, outbox)
        yield found
        found.outbox.close()


async def test_a_change_is_sent_once_however_often_it_is_read(setting: Setting) -> None:
    await setting.take(record(change()), record(change()))
    await setting.send()
    setting.restart()
    await setting.take(record(change()), record(change(), offset=9))
    await setting.send(days=1)
    assert setting.endpoint.told == [[change().id]]


async def test_a_change_that_two_rules_want_is_sent_once_at_the_earlier_time(setting: Setting) -> None:
    await setting.take(record(change()), rules=(rule(name="hourly", digest_minutes=60), rule(name="at-once")))
    await setting.send()
    await setting.send(hours=2)
    assert [notice.rule for notice in setting.endpoint.taken] == ["at-once"]


async def test_what_was_not_sent_before_a_restart_is_sent_after_it(setting: Setting) -> None:
    await setting.take(record(change()))
    setting.restart()
    await setting.send()
    assert setting.endpoint.told == [[change().id]]


async def test_a_digest_holds_the_changes_of_its_window(setting: Setting) -> None:
    hourly = (rule(digest_minutes=60),)
    await setting.take(record(change("a")), record(change("b"), 1), rules=hourly)
    await setting.send(minutes=59)
    assert setting.endpoint.told == []
    await setting.send(minutes=1)
    await setting.take(record(change("c"), 2), rules=hourly)
    await setting.send(minutes=60)
    assert setting.endpoint.told == [[change("a").id, change("b").id], [change("c").id]]
    assert all(notice.digest for notice in setting.endpoint.taken)


async def test_what_was_told_last_is_not_told_again_too_soon(setting: Setting) -> None:
    daily = (rule(deduplicate_minutes=1440),)
    before = change().before
    assert before is not None

    def later(name: str, hours: int, **fields: Any) -> Record:
        return record(change(name, detected_at=NOON + timedelta(hours=hours), **fields), hours)

    await setting.take(later("turned", 0), later("again", 1), rules=daily)
    await setting.send()
    setting.restart()
    await setting.take(later("still", 23), later("other", 23, actor="meta"), rules=daily)
    await setting.take(
        later("back", 23, after=before), later("forth", 23), later("old", 23, axis="profit"), rules=daily
    )
    await setting.take(later("turned", 0), later("a day on", 47), rules=daily)
    await setting.send()
    told = ("turned", "other", "back", "forth", "old", "a day on")
    assert setting.endpoint.told == [[change(name).id] for name in told]


async def test_a_failure_is_followed_by_longer_and_longer_pauses(setting: Setting) -> None:
    setting.endpoint.failures = [DeliveryError("down"), DeliveryError("down")]
    await setting.take(record(change()))
    await setting.send()
    await setting.send(seconds=4)
    assert len(setting.endpoint.failures) == 1
    await setting.send(seconds=1)
    assert setting.endpoint.failures == []
    await setting.send(seconds=19)
    assert setting.endpoint.told == []
    await setting.send(seconds=1)
    assert setting.endpoint.told == [[change().id]]


async def test_an_endpoint_is_left_alone_for_as_long_as_it_asks(setting: Setting) -> None:
    setting.endpoint.failures = [DeliveryError("busy", retry_after=timedelta(minutes=10))]
    await setting.take(record(change()))
    await setting.send()
    await setting.send(minutes=9)
    assert setting.endpoint.told == []
    await setting.send(minutes=1)
    assert setting.endpoint.told == [[change().id]]


async def test_one_notice_that_is_never_taken_holds_up_no_other_and_is_parked_after_a_day(setting: Setting) -> None:
    setting.endpoint.failures = [DeliveryError("answered 400")]
    await setting.take(record(change("bad")), record(change("good"), 1))
    await setting.send()
    assert setting.endpoint.told == [[change("good").id]]
    setting.endpoint.failures = [DeliveryError("answered 400")]
    await setting.send(days=1)
    assert setting.parked == [(record(change("bad")), "channel here did not take it: answered 400")]
    await setting.send(days=1)
    assert setting.endpoint.told == [[change("good").id]]


async def test_a_parked_change_that_is_driven_again_is_sent_again(setting: Setting) -> None:
    setting.endpoint.failures = [DeliveryError("x", gone=True)]
    await setting.take(record(change()))
    await setting.send()
    setting.outbox.enable("here")
    await setting.take(record(change()))
    await setting.send(minutes=1)
    assert setting.endpoint.told == [], "the record that was parked, read again, was not driven again"
    await setting.take(record(change(), offset=5))
    await setting.send(minutes=1)
    assert setting.endpoint.told == [[change().id]]


async def failing_for_days(setting: Setting) -> None:
    for day in range(7):
        setting.endpoint.failures = [DeliveryError("down")] * 10
        await setting.take(record(change(f"day-{day}"), day))
        await setting.send(days=1)


async def gone(setting: Setting) -> None:
    setting.endpoint.failures = [DeliveryError("answered 410", gone=True)]
    await setting.take(record(change("first")))
    await setting.send()


@pytest.mark.parametrize("fail", [failing_for_days, gone])
async def test_a_channel_that_fails_for_long_or_is_gone_is_disabled_until_it_is_enabled(
    setting: Setting, fail: Callable[[Setting], Awaitable[None]]
) -> None:
    await fail(setting)
    setting.restart()
    setting.endpoint.failures = []
    setting.parked = []
    await setting.take(record(change("later"), 10))
    await setting.send()
    assert setting.endpoint.told == []
    assert [letter for letter, _ in setting.parked][-1] == record(change("later"), 10)
    assert setting.parked[-1][1].startswith("channel here is disabled: nothing was taken since")
    setting.outbox.enable("here")
    await setting.take(record(change("new"), 11))
    await setting.send()
    assert setting.endpoint.told == [[change("new").id]]


async def test_a_channel_that_takes_something_now_and_then_is_not_disabled(setting: Setting) -> None:
    for day in range(8):
        await setting.take(record(change(f"day-{day}"), day))
        setting.endpoint.failures = [DeliveryError("down")]
        await setting.send(days=1)
        await setting.send(hours=1)
    assert len(setting.endpoint.taken) == 8
    assert setting.parked == []


async def test_a_record_that_holds_no_change_is_parked(setting: Setting) -> None:
    await setting.take(Record("stance.changes.v1", 0, 3, b"openai", b"{", ()))
    assert "no CloudEvent" in setting.parked[0][1]
