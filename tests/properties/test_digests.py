"""Digests of recorded articles and observations tell any two histories apart."""

from hypothesis import example, given
from hypothesis import strategies as st

from shared.dead_letters import Record
from stance_service.audit.digests import PartitionDigest

Pairs = list[tuple[bytes | None, bytes | None]]
parts = st.none() | st.binary(max_size=3)
histories = st.lists(st.tuples(parts, parts), max_size=3)


def digested(pairs: Pairs) -> PartitionDigest:
    found = PartitionDigest(0)
    for offset, (key, value) in enumerate(pairs):
        found.take(Record("articles.v1", 0, offset, key, value, (), 0))
    return found


@given(histories, histories)
@example([(b"ab", b"c")], [(b"a", b"bc")])
@example([(None, b"")], [(b"", None)])
@example([(b"a", b"b"), (b"c", b"d")], [(b"c", b"d"), (b"a", b"b")])
def test_two_histories_have_one_digest_only_if_they_are_the_same(one: Pairs, other: Pairs) -> None:
    assert (digested(one).digest() == digested(other).digest()) == (one == other)


@given(histories, histories)
def test_asking_for_a_digest_changes_none_that_follows(first: Pairs, rest: Pairs) -> None:
    found = digested(first)
    found.digest()
    for offset, (key, value) in enumerate(rest, len(first)):
        found.take(Record("articles.v1", 0, offset, key, value, (), 0))
    assert found.seal("articles.v1") == digested(first + rest).seal("articles.v1")
