"""Sketches of texts: MinHash signatures and the band hashes under which near copies meet.

A near copy shares at least one band hash with its story. Three kinds of band hash exist, in one
key space, so that an index need not tell them apart:

- one for the exact word sequence;
- `settings.bands` for the MinHash signature (long texts only): they find texts alike as a whole;
- anchors, the least hashes among the text's shingles of 2 x `shingle_words` words, over the whole
  text and over its lead. Of a text and its cut copy, the copy keeps each anchor with the
  probability that it keeps the passage, which a whole-text signature can't promise: the first
  quarter of a text has Jaccard 0.25 with it, yet shares one of 8 anchors nine times out of ten.

Texts under `short_words` words have no signature bands: with some twenty shingles, one changed
word moves Jaccard by a quarter, and templates ("X said on Monday it supports Y") collide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from transforms.settings import DeduplicateSettings
from transforms.words import Counts, Hashes, fold, hash_words, runs, spread

# Signatures are kept in the store: another seed or rensa algorithm version makes them unusable.
SEED: Final = 20_261_125
_SPREADER: Final = np.uint64(0x9E3779B185EBCA87)  # xxHash's first 64-bit prime
_EXACT_SALT: Final = b"newsalign.exact"


@dataclass(frozen=True, slots=True)
class Sketch:
    """What deduplication keeps of an article instead of its text.

    `signature` is `permutations` little-endian 32-bit words, empty for texts of fewer than
    `shingle_words` words. `bands` are signed 64-bit integers, sorted and distinct; empty only for
    a text without words. `text_hash` is the same for two texts exactly when their words are.
    """

    item_id: str
    published_at: datetime
    signature: bytes
    bands: tuple[int, ...]
    shingles: int
    words: int
    text_hash: int


@dataclass(frozen=True, slots=True)
class SketchInput:
    """What a sketch is made of."""

    item_id: str
    title: str
    text: str
    published_at: datetime


def sketch(
    item_id: str, title: str, text: str, published_at: datetime, settings: DeduplicateSettings
) -> Sketch:
    """Return the sketch of one article; the same bytes on every run, process and machine.

    The title takes no part: outlets change it more than anything else.
    """
    return sketch_many([SketchInput(item_id, title, text, published_at)], settings)[0]


def sketch_many(articles: Sequence[SketchInput], settings: DeduplicateSettings) -> list[Sketch]:
    """Return the sketches of many articles, in order; a batch shares the cost of numpy's calls."""
    if not articles:
        return []
    width = settings.shingle_words
    words, counts = hash_words([fold(article.text) for article in articles])
    owner = np.repeat(np.arange(len(counts)), counts)
    shingles, shingle_counts = _runs_within(words, owner, counts, width)
    passages, passage_counts = _runs_within(words, owner, counts, 2 * width)
    signatures = _signatures(shingles, shingle_counts, settings.permutations)
    bands = _band_hashes(signatures, settings)
    made = []
    word_end = passage_end = 0
    for row, article in enumerate(articles):
        word_start, word_end = word_end, word_end + int(counts[row])
        passage_start, passage_end = passage_end, passage_end + int(passage_counts[row])
        exact = _sequence_hash(words[word_start:word_end])
        keys: set[int] = set()
        if word_end > word_start:
            keys.add(exact)
            keys.update(_anchors(passages[passage_start:passage_end], settings))
        if word_end - word_start >= settings.short_words:
            keys.update(bands[row].tolist())
        made.append(
            Sketch(
                item_id=article.item_id,
                published_at=article.published_at,
                signature=signatures[row].tobytes() if shingle_counts[row] else b"",
                bands=tuple(sorted(keys)),
                shingles=int(shingle_counts[row]),
                words=word_end - word_start,
                text_hash=exact,
            )
        )
    return made


def estimate_jaccard(first: bytes, second: bytes) -> float:
    """Return the Jaccard similarity that two signatures of one length estimate; 0.0 for none."""
    if not first or len(first) != len(second):
        return 0.0
    left, right = np.frombuffer(first, "<u4"), np.frombuffer(second, "<u4")
    return float(np.mean(left == right))


def _sequence_hash(words: Hashes) -> int:
    digest = hashlib.blake2b(words.astype("<u8").tobytes(), digest_size=8, salt=_EXACT_SALT)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _runs_within(
    words: Hashes, owner: npt.NDArray[Any], counts: Counts, width: int
) -> tuple[Hashes, Counts]:
    """Hash each run of `width` words that lies within one text, in text order."""
    found = runs(words, width)
    whole = owner[: len(found)] == owner[len(owner) - len(found) :]
    return found[whole], np.maximum(counts - width + 1, 0)


def _signatures(shingles: Hashes, counts: Counts, permutations: int) -> npt.NDArray[np.uint32]:
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles, offsets, permutations, SEED)
    return np.array(matrix.to_rows(), dtype="<u4")


def _band_hashes(
    signatures: npt.NDArray[np.uint32], settings: DeduplicateSettings
) -> npt.NDArray[np.int64]:
    rows = settings.band_rows
    bands = min(settings.bands, signatures.shape[1] // rows)
    grouped = signatures[:, : bands * rows].reshape(-1, bands, rows).astype(np.uint64)
    mixed = np.zeros(grouped.shape[:2], dtype=np.uint64) + np.arange(1, bands + 1, dtype=np.uint64)
    for row in range(rows):
        mixed = mixed * _SPREADER + grouped[:, :, row]
    return spread(mixed).view(np.int64)


def _anchors(passages: Hashes, settings: DeduplicateSettings) -> list[int]:
    """Return the least hashes over the text and over its lead, as signed integers."""
    signed = passages.view(np.int64)
    lead = signed[: max(1, settings.lead_words - 2 * settings.shingle_words + 1)]
    return _least(signed, settings.anchors) + _least(lead, settings.lead_anchors)


def _least(values: npt.NDArray[np.int64], count: int) -> list[int]:
    """Return the `count` least distinct values, sorted."""
    if len(values) > 2 * count:
        sample = sorted(set(np.partition(values, 2 * count - 1)[: 2 * count].tolist()))
        if len(sample) >= count:
            return sample[:count]
    return sorted(set(values.tolist()))[:count]
