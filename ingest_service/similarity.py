"""How much of one text is in another: word shingles, and MinHash bands to find texts worth comparing. Pure."""

import re
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

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


@dataclass(frozen=True)
class Sketch:
    """A text as sorted hashes of its shingles and of its numbers."""

    shingles: Hashes
    figures: Hashes

    def covered_by(self, other: "Sketch") -> float:
        """The share of this text's shingles that the other one has."""
        return _shared(self.shingles, other.shingles) / len(self.shingles)

    def is_copy_of(self, earlier: "Sketch") -> bool:
        """True if this text says what the earlier one did, and not only in the same form."""
        shared = _shared(self.shingles, earlier.shingles)
        mine, theirs = shared / len(self.shingles), shared / len(earlier.shingles)
        extends = mine >= EXTENDED[0] and theirs >= EXTENDED[1]
        return (mine >= COPIED or extends) and self._same_figures(earlier)

    @cached_property
    def bands(self) -> list[int]:
        """Signed 64-bit numbers; texts that share much of their shingles share one of these."""
        least = np.full(BANDS * _ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
        for start in range(0, len(self.shingles), _AT_ONCE):
            hashes = self.shingles[start : start + _AT_ONCE].astype(np.uint64)
            least = np.minimum(least, (_FACTORS * hashes + _OFFSETS).min(axis=1))
        rows = (least >> np.uint64(32)).reshape(BANDS, _ROWS)
        mixed = _mix((rows[:, 0] << np.uint64(32) | rows[:, 1]) ^ _BAND_NUMBERS)
        return [int(band) for band in mixed.view(np.int64)]

    def _same_figures(self, other: "Sketch") -> bool:
        fewest = min(len(self.figures), len(other.figures))
        return fewest < _ENOUGH_FIGURES or _shared(self.figures, other.figures) >= SAME_FIGURES * fewest


@lru_cache(maxsize=4)
def sketch(text: str) -> Sketch | None:
    """None for a text of a few words: what it says may be said anywhere."""
    words = _WORDS.findall(text.casefold())
    if len(words) < LEAST_SHINGLES + SHINGLE - 1:
        return None
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))
    shingles = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for at in range(SHINGLE):
        shingles = _mix(shingles ^ hashes[at : len(hashes) - SHINGLE + 1 + at])
    figures = [zlib.crc32(word.encode()) for word in words if word[0].isdigit()]
    return Sketch(np.unique((shingles >> np.uint64(32)).astype(np.uint32)), np.unique(np.array(figures, np.uint32)))


def _shared(one: Hashes, other: Hashes) -> int:
    return len(np.intersect1d(one, other, assume_unique=True))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of MurmurHash3: every bit of the input reaches every bit of the output."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))
