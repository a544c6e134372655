"""Histories of one or two actors, small enough that everything in them collides with something."""

from datetime import timedelta

from hypothesis import strategies as st

from shared.events import Basis, Observation, Withdrawal
from tests.stances import NOON, observation, withdrawal

ARTICLES = [f"article {n}" for n in range(8)]
HELD = [
    None,
    "2010",
    "2016~",
    "2016-05",
    "2016-05-02",
    "2015/2018",
    "2019-23",
    "2020-01-01",
    "2023",
    "2015/..",
    "../2012",
]
QUOTES = [
    None,
    "Words that are long enough to be taken for a quotation.",
    "Other words, they too are long enough for that.",
]

moments = st.integers(0, 5_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
actors = st.sampled_from(["openai", "meta"])

observations = st.builds(
    observation,
    polarity=st.sampled_from([1, -1]),
    held_at=st.sampled_from(HELD),
    article=st.sampled_from(ARTICLES),
    confidence=st.sampled_from([0.4, 0.55, 0.7, 0.8, 0.9, 0.97, 1.0]),
    actor=actors,
    axis=st.sampled_from(["openness", "profit"]),
    basis=st.sampled_from(Basis),
    evidence=st.sampled_from(QUOTES),
    published=st.sampled_from(["2016-06-01", "2020-09-25", "2024-03-13"]),
    observed_at=moments,
    revision=st.integers(1, 2),
    duplicate_of=st.sampled_from([None, None, "article 0"]),
    classifier=st.sampled_from(["test-1", "test-2"]),
    more=st.booleans(),
)

withdrawals = st.builds(
    withdrawal,
    article=st.sampled_from(ARTICLES),
    revision=st.integers(2, 3),
    actor=actors,
    observed_at=moments,
)

records: st.SearchStrategy[Observation | Withdrawal] = st.one_of(observations, observations, observations, withdrawals)


def _once(seen: list[Observation | Withdrawal]) -> list[Observation | Withdrawal]:
    """An id stands for one content: of observations that share one, the first."""
    known: dict[str, Observation | Withdrawal] = {}
    for record in seen:
        key = record.id if isinstance(record, Observation) else record.model_dump_json()
        known.setdefault(key, record)
    return list(known.values())


histories = st.lists(records, max_size=24).map(_once)
