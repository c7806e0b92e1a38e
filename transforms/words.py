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
_COMMON: Final = "\u2019\u2018\u201c\u201d\u2014\u2013\u2026\u00a0"  # often all that isn't ASCII
_TYPOGRAPHIC: Final = re.compile("[\u00a0-\u00bf\u2000-\u206f\u2190-\u27bf\u3000-\u303f]")
_SPACE: Final = 0x20
_TO_WORDS: Final = bytes(
    ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else code if code > 127 else _SPACE
    for code in range(256)
)
_POWERS: Final = np.cumprod(np.full(64, 0x100000001B3, dtype=np.uint64))  # the FNV-64 prime
_SPREADER: Final = np.uint64(0x9E3779B185EBCA87)  # xxHash's first 64-bit prime


def fold(text: str) -> bytes:
    """Return the casefolded words of `text` in UTF-8, parted by spaces.

    Punctuation, case and typography leave no trace; apostrophes and hyphens part words.
    """
    return _to_bytes(text if text.isascii() else space_out(_plain(text).casefold()))


def space_out(text: str) -> str:
    """Return the text with spaces around each character of a script written without them."""
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def hash_words(folded: Sequence[bytes]) -> tuple[Hashes, Counts]:
    """Return one 64-bit hash per word of all texts, in order, and the number of words of each.

    A polynomial over the word's bytes, computed for all words of a batch at once: no word becomes
    a Python object. It spreads well and resists no adversary, who could gain false candidates only.
    """
    buffer = np.frombuffer(b" ".join([*folded, b""]), dtype=np.uint8)
    hashes, starts, _ = _hash_buffer(buffer)
    text_ends = np.cumsum([len(text) + 1 for text in folded])
    return hashes, np.diff(np.searchsorted(starts, text_ends), prepend=0).astype(np.int64)


def word_spans(text: str) -> tuple[Hashes, Counts, Counts]:
    """Return each word's hash and where it starts and ends in `text`, in characters."""
    plain = text if text.isascii() else _plain(text)
    folded = plain.casefold()
    if len(folded) != len(plain):  # "ß" becomes two letters: offsets matter more than its case
        folded = plain
    buffer = np.frombuffer(_to_bytes(folded), dtype=np.uint8)
    hashes, starts, ends = _hash_buffer(buffer)
    if len(buffer) != len(folded):
        characters = np.concatenate(([0], np.cumsum((buffer & 0xC0) != 0x80)))
        starts, ends = characters[starts], characters[ends]
    return hashes, starts, ends


def runs(words: Hashes, width: int) -> Hashes:
    """Return the hash of each run of `width` words, in order; none if there are fewer words."""
    length = len(words) - width + 1
    if length <= 0:
        return np.empty(0, dtype=np.uint64)
    mixed = np.full(length, width, dtype=np.uint64)
    for step in range(width):
        mixed *= _SPREADER
        mixed += words[step : step + length]
    return spread(mixed)


def spread(values: Hashes) -> Hashes:
    """Return the values with their bits spread (SplitMix64's finaliser): a bijection."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _plain(text: str) -> str:
    for character in _COMMON:
        text = text.replace(character, " ")
    return text if text.isascii() else _TYPOGRAPHIC.sub(" ", text)


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_TO_WORDS)


def _hash_buffer(buffer: npt.NDArray[np.uint8]) -> tuple[Hashes, Counts, Counts]:
    """Return the hash, start and end of each run of bytes that are no spaces."""
    inside = np.zeros(len(buffer) + 2, dtype=np.bool_)
    np.not_equal(buffer, _SPACE, out=inside[1:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return np.empty(0, dtype=np.uint64), starts, ends
    lengths = ends - starts
    letters = buffer[inside[1:-1]].astype(np.uint64)
    first = np.cumsum(lengths) - lengths
    place = np.arange(len(letters)) - np.repeat(first, lengths)
    letters *= _POWERS[place & (len(_POWERS) - 1)]
    return spread(np.add.reduceat(letters, first) + lengths.astype(np.uint64)), starts, ends
