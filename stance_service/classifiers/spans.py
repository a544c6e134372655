"""Find in a text what somebody copied from it, whatever happened to its white space and quotes. Pure."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from stance_service.passages import split_sentences

_ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "‹": "<",
        "›": ">",
        "…": "...",
    }
)
_INVISIBLE: Final = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


class Copied:
    """A text in which copies of its parts are looked up."""

    def __init__(self, text: str) -> None:
        letters: list[str] = []
        self._offsets: list[int] = []
        for offset, character in enumerate(text):
            alike = _alike(character)
            if alike == " " and letters[-1:] == [" "]:
                continue
            letters.extend(alike)
            self._offsets.extend([offset] * len(alike))
        self._text = "".join(letters)

    def find(self, copy: str, within: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
        """The first place of the copy that lies inside one of the spans, in characters of the text."""
        wanted = re.sub(" +", " ", "".join(map(_alike, copy))).strip()
        for first, last in within if wanted else ():
            at = self._text.find(wanted, bisect_left(self._offsets, first))
            if at >= 0 and self._offsets[at + len(wanted) - 1] < last:
                return self._offsets[at], self._offsets[at + len(wanted) - 1] + 1
        return None


def _alike(character: str) -> str:
    if character in _INVISIBLE:
        return ""
    if character.isspace() or unicodedata.category(character) == "Cc":
        return " "
    return character.translate(_ALIKE)


def parts(body: str, language: str, size: int, overlap: int) -> list[tuple[int, int]]:
    """Spans of at most `size` characters (a longer sentence apart) that cover every sentence, each a little of the
    one before.
    """
    sentences = split_sentences(body, language)
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(sentences):
        start, last = sentences[first].start, first
        while last + 1 < len(sentences) and sentences[last + 1].end - start <= size:
            last += 1
        end = sentences[last].end
        found.append((start, end))
        if last + 1 == len(sentences):
            break
        following = last + 1
        while following - 1 > first and end - sentences[following - 1].start <= overlap:
            following -= 1
        first = following
    return found
