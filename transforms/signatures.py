"""Sketches of texts: MinHash signatures and the band hashes under which near copies meet.

A near copy shares at least one band hash with its story. Three kinds of band hash exist, in one
key space, so that an index need not tell them apart:

- one for the exact word sequence;
- `settings.bands` for the MinHash signature (long texts only): they find texts alike as a whole;
- anchors, the least hashes among the text's shingles of 2 x `shingle_words` words, over the whole
  text and over its lead. Of a text and its cut copy, the copy keeps each anchor with the
  probability that it keeps the passage, which a whole-text signature can't promise: the first
  quarter of a text has Jaccard 0.25 with it, yet shares one of 8 anchors nine times out of ten.

A sketch is made of the text's body, without dateline, byline and credits, as the comparison reads
it: copies that differ in those alone are equal.

Texts under `short_words` words have no signature bands: with some twenty shingles, one changed
word moves Jaccard by a quarter, and templates ("X said on Monday it supports Y") collide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from transforms.columns import Flags, Integers, distinct_rows
from transforms.frame import strip_frame
from transforms.settings import DeduplicateSettings
from transforms.words import Counts, Hashes, Words, hash_words, runs, sequence_hashes, spread

Signatures = npt.NDArray[np.uint32]

# Signatures are kept in the store: another seed or rensa algorithm version makes them unusable.
SEED: Final = 20_261_125
# Sketches of two versions have nothing in common; a store's index is made anew for another one.
SKETCH_VERSION: Final = 2
# Articles sketched at once: enough to share numpy's call costs, few enough to stay in cache.
BATCH: Final = 128
_SPREADER: Final = np.uint64(0x9E3779B185EBCA87)  # xxHash's first 64-bit prime
_ROW_BITS: Final = (BATCH - 1).bit_length()


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


@dataclass(frozen=True, slots=True)
class Sketches:
    """The sketches of several articles by column; each array has an item an article.

    But `bands`: an article's stand from its `band_bounds` on, up to the next one's, as in `Sketch`.
    Rows of `signatures` are zero for texts of fewer than `shingle_words` words.
    """

    item_ids: tuple[str, ...]
    published_at: tuple[datetime, ...]
    signatures: Signatures
    bands: Integers
    band_bounds: Counts
    shingles: Counts
    words: Counts
    text_hashes: Integers

    def __len__(self) -> int:
        return len(self.item_ids)

    def __iter__(self) -> Iterator[Sketch]:
        for row, (start, end) in enumerate(pairwise(self.band_bounds.tolist())):
            shingles = int(self.shingles[row])
            yield Sketch(
                item_id=self.item_ids[row],
                published_at=self.published_at[row],
                signature=self.signatures[row].tobytes() if shingles else b"",
                bands=tuple(self.bands[start:end].tolist()),
                shingles=shingles,
                words=int(self.words[row]),
                text_hash=int(self.text_hashes[row]),
            )


def sketch(
    item_id: str, title: str, text: str, published_at: datetime, settings: DeduplicateSettings
) -> Sketch:
    """Return the sketch of one article; the same bytes on every run, process and machine.

    The title takes no part: outlets change it more than anything else.
    """
    return sketch_many([SketchInput(item_id, title, text, published_at)], settings)[0]


def sketch_many(articles: Sequence[SketchInput], settings: DeduplicateSettings) -> list[Sketch]:
    """Return the sketches of many articles, in order."""
    return [
        made
        for start in range(0, len(articles), BATCH)
        for made in sketch_batch(articles[start : start + BATCH], settings)
    ]


def sketch_batch(articles: Sequence[SketchInput], settings: DeduplicateSettings) -> Sketches:
    """Return the sketches of at most `BATCH` articles, in order; ValueError for more.

    What a text's sketch is doesn't depend on its neighbours.
    """
    if len(articles) > BATCH:
        raise ValueError(f"{len(articles)} articles are more than {BATCH} at once")
    words = hash_words([strip_frame(article.text) for article in articles])
    counts = words.counts
    owner = np.repeat(np.arange(len(articles)), counts)
    width = settings.shingle_words
    every = runs(words.hashes, width)
    shingles = every[_within(owner, width)]
    passages = spread(every[:-width] * _SPREADER + every[width:]) if len(every) > width else every
    shingle_counts = np.maximum(counts - width + 1, 0)
    signatures = _signatures(shingles, shingle_counts, settings.permutations)
    text_hashes = sequence_hashes(words)
    keys, owners = _keys(
        _Hashed(words, owner, passages[: max(0, len(owner) - 2 * width + 1)], text_hashes),
        _band_hashes(signatures, settings),
        settings,
    )
    return Sketches(
        item_ids=tuple(article.item_id for article in articles),
        published_at=tuple(article.published_at for article in articles),
        signatures=signatures,
        bands=keys,
        band_bounds=np.searchsorted(owners, np.arange(len(articles) + 1)),
        shingles=shingle_counts,
        words=counts,
        text_hashes=text_hashes,
    )


def estimate_jaccard(first: bytes, second: bytes) -> float:
    """Return the Jaccard similarity that two signatures of one length estimate; 0.0 for none."""
    if not first or len(first) != len(second):
        return 0.0
    left, right = np.frombuffer(first, "<u4"), np.frombuffer(second, "<u4")
    return float(np.mean(left == right))


@dataclass(frozen=True, slots=True)
class _Hashed:
    words: Words
    owner: Counts
    passages: Hashes
    text_hashes: Integers


def _within(owner: Counts, width: int) -> Flags:
    """Say of each run of `width` words whether it lies within one text."""
    length = max(0, len(owner) - width + 1)
    within: Flags = owner[:length] == owner[len(owner) - length :]
    return within


def _signatures(shingles: Hashes, counts: Counts, permutations: int) -> Signatures:
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles, offsets, permutations, SEED)
    return np.array(matrix.to_rows(), dtype="<u4").reshape(len(counts), permutations)


def _band_hashes(signatures: Signatures, settings: DeduplicateSettings) -> Integers:
    rows = settings.band_rows
    bands = min(settings.bands, signatures.shape[1] // rows)
    grouped = signatures[:, : bands * rows].reshape(-1, bands, rows).astype(np.uint64)
    mixed = np.zeros(grouped.shape[:2], dtype=np.uint64) + np.arange(1, bands + 1, dtype=np.uint64)
    for row in range(rows):
        mixed = mixed * _SPREADER + grouped[:, :, row]
    return spread(mixed).view(np.int64)


def _keys(
    hashed: _Hashed, bands: Integers, settings: DeduplicateSettings
) -> tuple[Integers, Counts]:
    """Return the distinct band hashes of all texts, sorted within each, and each one's text."""
    counts = hashed.words.counts
    filled = np.flatnonzero(counts)
    long = np.flatnonzero(counts >= settings.short_words)
    whole = _within(hashed.owner, 2 * settings.shingle_words)
    owner = hashed.owner[: len(whole)]
    lead_end = hashed.words.bounds[:-1] + max(
        1, settings.lead_words - 2 * settings.shingle_words + 1
    )
    lead = whole & (np.arange(len(whole)) < lead_end[owner])
    found = [
        (hashed.text_hashes[filled], filled),
        (bands[long].ravel(), np.repeat(long, bands.shape[1])),
    ]
    for chosen, count in ((whole, settings.anchors), (lead, settings.lead_anchors)):
        found.append(_least(hashed.passages[chosen], owner[chosen], count))
    keys = np.concatenate([part for part, _ in found])
    owners = np.concatenate([part for _, part in found])
    order = np.lexsort((keys, owners))
    keys, owners = keys[order], owners[order]
    fresh = distinct_rows(keys, owners)
    return keys[fresh], owners[fresh]


def _least(values: Hashes, owner: Counts, count: int) -> tuple[Integers, Counts]:
    """Return each owner's `count` least distinct values, and whose they are.

    The owner is packed over the value's last bits, so that one sort serves all.
    """
    bits = np.uint64(_ROW_BITS)
    packed = np.sort((owner.astype(np.uint64) << (np.uint64(64) - bits)) | (values >> bits))
    packed = packed[distinct_rows(packed)]
    owners = (packed >> (np.uint64(64) - bits)).astype(np.int64)
    begins = np.searchsorted(owners, np.arange(1 << _ROW_BITS))
    rank = np.arange(len(packed)) - begins[owners]
    kept = rank < count
    return spread(packed[kept] << bits).view(np.int64), owners[kept]
