"""Bytes to clean lines."""

import pytest

from ingest_service.text import NotTextError, blocks, clean, decode


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_text_is_read_in_the_encoding_it_has(encoding: str) -> None:
    text = "Die Firma veröffentlicht ihr Modell für alle, wie sie am Montag mitteilte; groß war die Überraschung."
    assert decode(text.encode(encoding)) == text


def test_the_encoding_that_a_server_names_goes_before_a_guess_but_not_before_utf8() -> None:
    text = "Žluťoučký kůň"
    assert decode(text.encode("iso-8859-2"), "iso-8859-2") == text
    assert decode(text.encode(), "iso-8859-2") == text


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00", b"text\x00text", bytes(range(1, 32)) * 10])
def test_a_binary_is_no_text(content: bytes) -> None:
    with pytest.raises(NotTextError, match="binary"):
        decode(content)


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("verÃ¶ffentlicht fÃ¼r alle", "veröffentlicht für alle"),
        ("Caf\u0065\u0301", "Cafe\u0301".replace("e\u0301", "\u00e9")),
        ("the &amp; sign", "the & sign"),
        ("soft\u00adhyphen and zero\u200bwidth", "softhyphen and zerowidth"),
        ("no\u00a0break  and\ttab ", "no break and tab"),
        ("“curly” stays", "“curly” stays"),
    ],
)
def test_characters_are_repaired(broken: str, repaired: str) -> None:
    assert clean(broken) == repaired


def test_cleaning_twice_changes_nothing_more() -> None:
    once = clean("fÃ¼r  alle\r\n\r\n\r\nTeil zwei")
    assert clean(once) == once


def test_lines_broken_at_a_fixed_width_are_joined() -> None:
    text = (
        "The company said on Monday that it would publish the source\n"
        "code of its language model, and that everybody might use it\n"
        "without asking.\n\nThe end."
    )
    assert blocks(text)[0] == [
        "The company said on Monday that it would publish the source code of its language model, "
        "and that everybody might use it without asking."
    ]


def test_headlines_below_each_other_are_not_joined() -> None:
    lines = [
        "Chip stocks climb for the fifth day in a row in Asia",
        "Who sits on the new board of the largest laboratory",
    ]
    assert blocks("\n".join(lines)) == [lines]
