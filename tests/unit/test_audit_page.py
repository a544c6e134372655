"""Explanations as a page and as text, of articles that try to be more than text."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from rich.console import Console

from shared.chain import Heads
from shared.events import Article, ChangeKind, StanceChange
from shared.ids import digest
from stance_service.audit.explained import text
from stance_service.audit.explanation import ChainPlace, Explanation, Reason, source, trigger_of, without
from stance_service.audit.findings import Place
from stance_service.audit.page import page
from stance_service.belief import Parameters
from stance_service.records import Entry, decode
from stance_service.tracker import Tracker
from tests.stances import NOON, later, observation

HOSTILE = "</mark><script>alert(1)</script>"
BODY = f"He spoke first. Then {HOSTILE} was said. It ended."
FOR = observation(1, "2020", article="a", evidence=HOSTILE)
AGAINST = observation(-1, "2023", article="b", observed_at=later(1))
AGAIN = observation(-1, "2023-05", article="c", observed_at=later(2))


def entries(*records: object) -> list[Entry]:
    return [decode(each.model_dump_json().encode()) for each in records]  # type: ignore[attr-defined]


def announced(*records: Entry) -> list[StanceChange]:
    return Heads().link(Tracker(Parameters()).apply(records).changes)


def article(body: str) -> Article:
    return Article(
        article_id=FOR.article_id,
        revision=1,
        source="test",
        title=f"<b>Title</b> {HOSTILE}",
        body=body,
        language="en",
        publisher="<i>News</i>",
        published_at=NOON,
        published_origin="meta",
        observed_at=NOON,
        raw_digest=digest("raw", {}),
        normaliser="test-1",
    )


def explanation(url: str | None = "https://news.example/1", body: str = BODY) -> Explanation:
    at = BODY.find(HOSTILE)
    span = FOR.evidence.model_copy(update={"start": at, "end": at + len(HOSTILE)})
    seen = FOR.model_copy(update={"evidence": span, "url": url, "title": f"<b>Title</b> {HOSTILE}"})
    records = entries(seen)
    (change,) = announced(*records)
    place = Place("articles.v1", 1, 2)
    reason = Reason(
        cause=change.causes[0],
        observation=seen,
        place=Place("stance.observations.v1", 3, 4),
        source=source(article(body), place, seen),
        without=without(seen.id, records, change, Parameters()),
    )
    chain = ChainPlace(
        sequence=change.sequence, previous=change.previous, hash=change.hash, checkpoint=None, wrong=(HOSTILE,)
    )
    return Explanation(
        change=change, place=Place("stance.changes.v1", 0, 0), chain=chain, reasons=(reason,), notes=(HOSTILE,)
    )


class Seen(HTMLParser):
    """The tags and the addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action", "data"}]


def parsed(written: str) -> Seen:
    seen = Seen()
    seen.feed(written)
    return seen


def test_whatever_articles_hold_is_text_on_the_page() -> None:
    seen = parsed(page(explanation(), NOON))
    assert not {"script", "i", "img", "iframe", "link", "form"} & seen.tags
    assert "mark" in seen.tags


def test_a_page_needs_nothing_from_elsewhere() -> None:
    written = page(explanation(), NOON)
    assert parsed(written).addresses == ["https://news.example/1"]
    assert "@import" not in written
    assert "url(" not in written


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", None])
def test_only_web_addresses_can_be_followed(url: str | None) -> None:
    assert parsed(page(explanation(url), NOON)).addresses == []


def test_evidence_stands_between_the_sentences_around_it() -> None:
    (reason,) = explanation().reasons
    assert reason.source is not None
    assert reason.source.quote is not None
    assert (reason.source.quote.before, reason.source.quote.after) == ("He spoke first. Then ", " was said. It ended.")


def test_a_quote_says_in_which_language_it_is() -> None:
    assert '<blockquote lang="en">He spoke first.' in page(explanation(), NOON)


def test_evidence_that_its_article_does_not_hold_is_said_not_to_be_there() -> None:
    written = page(explanation(body="Something else."), NOON)
    assert "does not hold these words" in written


def test_the_text_tells_what_the_page_tells() -> None:
    console = Console(width=200, record=True)
    found = explanation()
    console.print(text(found))
    told = console.export_text()
    for needed in (
        found.change.id,
        HOSTILE,
        "articles.v1, partition 1, offset 2",
        "this would not have been announced",
    ):
        assert needed in told


def test_without_the_observation_that_turned_it_the_position_stays() -> None:
    records = entries(FOR, AGAINST)
    _, shift = announced(*records)
    found = without(AGAINST.id, records, shift, Parameters())
    assert not found.announced
    assert found.position is not None
    assert found.position.polarity == 1


def test_without_one_of_many_observations_the_same_is_announced() -> None:
    others = [observation(-1, "2023", article=f"n{n}", observed_at=NOON + timedelta(minutes=n)) for n in range(1, 5)]
    records = entries(FOR, *others)
    shift = next(each for each in announced(*records) if each.kind is ChangeKind.SHIFT)
    assert without(others[-1].id, records, shift, Parameters()).announced


def test_what_would_be_announced_instead_is_told() -> None:
    records = entries(FOR, AGAINST)
    _, shift = announced(*records)
    (instead,) = without(FOR.id, records, shift, Parameters()).instead
    assert (instead.kind, instead.polarity) == (ChangeKind.ESTABLISHED, -1)


def test_a_change_is_traced_to_the_record_that_brought_it_about() -> None:
    records = entries(FOR, AGAINST, AGAIN)
    shift = next(each for each in announced(*records) if each.kind is ChangeKind.SHIFT)
    assert trigger_of(records, shift, Parameters()) == 1
    assert trigger_of(records[:1], shift, Parameters()) is None


def test_a_page_says_when_it_was_made() -> None:
    assert "2026-05-04 03:02:01 UTC" in page(explanation(), datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
