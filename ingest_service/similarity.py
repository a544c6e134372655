"""How much of one text is in another: word shingles, and MinHash bands to find texts worth comparing. Pure."""

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

SHINGLE = 4
"""Words: an edit costs four shingles, and two reports on one event share few phrases of four words."""
BANDS = 64
_ROWS = 2
LEAST_SHINGLES = 8

COPIED = 0.55
"""Of a text's shingles; from here on it is a copy, shortened or edited."""
EXTENDED = (0.25, 0.75)
"""Of the later text, of the earlier: one that came out in full after its teaser is a copy as well."""
SAME_FIGURES = 0.6
"""Of the numbers of the text that has fewer: what repeats daily has its own."""
_ENOUGH_FIGURES = 4

_WORDS = re.compile(r"[^\W_]+")
_random = np.random.Generator(np.random.PCG64(20240313))
_FACTORS = _random.integers(1, 2**63, size=(BANDS * _ROWS, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 2**63, size=(BANDS * _ROWS, 1), dtype=np.uint64)
_BAND_NUMBERS = np.arange(1, BANDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Prints:
    """A text as sorted hashes of its shingles and of its numbers."""

    shingles: Hashes
    figures: Hashes

    def covered_by(self, other: "Prints") -> float:
        """The share of this text's shingles that the other one has."""
        return _shared(self.shingles, other.shingles) / len(self.shingles)

    def is_copy_of(self, earlier: "Prints") -> bool:
        """True if this text says what the earlier one did, and not only in the same form."""
        shared = _shared(self.shingles, earlier.shingles)
        mine, theirs = shared / len(self.shingles), shared / len(earlier.shingles)
        extends = mine >= EXTENDED[0] and theirs >= EXTENDED[1]
        return (mine >= COPIED or extends) and self._same_figures(earlier)

    def _same_figures(self, other: "Prints") -> bool:
        fewest = min(len(self.figures), len(other.figures))
        return fewest < _ENOUGH_FIGURES or _shared(self.figures, other.figures) >= SAME_FIGURES * fewest


@dataclass(frozen=True, eq=False)
class Sketch(Prints):
    """The prints of a text, and its bands: texts that share much of their shingles share one of these numbers."""

    bands: list[int]


def sketch(text: str) -> Sketch | None:
    """None for a text of a few words: what it says may be said anywhere."""
    words = _WORDS.findall(text.casefold())
    if len(words) < LEAST_SHINGLES + SHINGLE - 1:
        return None
    hashes = np.array(_hashed(words), np.uint64)
    shingles = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for at in range(SHINGLE):
        shingles = _mix(shingles ^ hashes[at : len(hashes) - SHINGLE + 1 + at])
    figures = np.array(_hashed([word for word in words if word[0].isdigit()]), np.uint32)
    distinct = np.unique((shingles >> np.uint64(32)).astype(np.uint32))
    return Sketch(distinct, np.unique(figures), _bands(distinct))


def _hashed(words: list[str]) -> list[int]:
    return [zlib.crc32(word) for word in "\n".join(words).encode().split(b"\n")] if words else []


def _bands(shingles: Hashes) -> list[int]:
    """Signed, as SQLite has them."""
    least = np.full(BANDS * _ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), _AT_ONCE):
        hashes = shingles[start : start + _AT_ONCE].astype(np.uint64)
        least = np.minimum(least, (_FACTORS * hashes + _OFFSETS).min(axis=1))
    rows = (least >> np.uint64(32)).reshape(BANDS, _ROWS)
    mixed = _mix((rows[:, 0] << np.uint64(32) | rows[:, 1]) ^ _BAND_NUMBERS)
    bands: list[int] = mixed.view(np.int64).tolist()
    return bands


def _shared(one: Hashes, other: Hashes) -> int:
    return len(np.intersect1d(one, other, assume_unique=True))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of MurmurHash3: every bit of the input reaches every bit of the output."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))
