"""The words of a text as deduplication hashes them: casefolded runs of letters and digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

# Scripts written without spaces: each character is a word, or a whole clause would be one.
_UNSPACED: Final = re.compile(
    r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])"
)
_TYPOGRAPHIC: Final = re.compile("[\u00a0-\u00bf\u2000-\u206f\u2190-\u27bf\u3000-\u303f]")
_COMMON: Final = "\u2019\u2018\u201c\u201d\u2014\u2013\u2026\u00a0"  # often all that isn't ASCII
_SPACE: Final = 0x20
_TO_WORDS: Final = bytes(
    ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else code if code > 127 else _SPACE
    for code in range(256)
)
_POWERS: Final = np.cumprod(np.full(64, 0x100000001B3, dtype=np.uint64))  # the FNV-64 prime


def fold(text: str) -> bytes:
    """Return the casefolded words of `text` in UTF-8, parted by spaces.

    Punctuation, case and typography leave no trace; apostrophes and hyphens part words.
    """
    if not text.isascii():
        for character in _COMMON:
            text = text.replace(character, " ")
    if not text.isascii():
        text = _UNSPACED.sub(r" \1 ", _TYPOGRAPHIC.sub(" ", text.casefold()))
    return text.encode("utf-8", "surrogatepass").translate(_TO_WORDS)


def hash_words(folded: Sequence[bytes]) -> tuple[Hashes, Counts]:
    """Return one 64-bit hash per word of all texts, in order, and the number of words of each.

    A polynomial over the word's bytes, computed for all words of a batch at once: no word becomes
    a Python object. It spreads well and resists no adversary, who could gain false candidates only.
    """
    buffer = np.frombuffer(b" ".join([*folded, b""]), dtype=np.uint8)
    if not len(buffer):
        return np.empty(0, dtype=np.uint64), np.zeros(len(folded), dtype=np.int64)
    inside = buffer != _SPACE
    edges = np.flatnonzero(np.diff(inside, prepend=False))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    if not len(starts):
        return np.empty(0, dtype=np.uint64), np.zeros(len(folded), dtype=np.int64)
    first_byte = np.cumsum(lengths) - lengths
    letters = buffer[inside].astype(np.uint64)
    place = np.arange(len(letters)) - np.repeat(first_byte, lengths)
    letters *= _POWERS[place % len(_POWERS)]
    hashes = np.add.reduceat(letters, first_byte)
    text_ends = np.cumsum([len(text) + 1 for text in folded])
    counts = np.diff(np.searchsorted(starts, text_ends), prepend=0)
    return spread(hashes + lengths.astype(np.uint64)), counts


def spread(values: Hashes) -> Hashes:
    """Return the values with their bits spread (SplitMix64's finaliser): a bijection."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
