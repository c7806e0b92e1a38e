"""Sketches of texts: MinHash signatures and the band hashes under which near copies meet.

A near copy shares at least one band hash with its story. Three kinds of band hash exist, in one
key space, so that an index need not tell them apart:

- one for the exact word sequence;
- `settings.bands` of `settings.band_rows` least hashes each (long texts only): they find texts
  alike as a whole;
- anchors, the least hashes among the text's shingles of 2 x `shingle_words` words, over the whole
  text and over its lead. Of a text and its cut copy, the copy keeps each anchor with the
  probability that it keeps the passage, which a whole-text signature can't promise: the first
  quarter of a text has Jaccard 0.25 with it, yet shares one of 8 anchors nine times out of ten.

A sketch is made of the text's body, without dateline, byline and credits, as the comparison reads
it: copies that differ in those alone are equal.

Signatures and bands are MinHash by one permutation (Li, Owen and Zhang, "One Permutation Hashing",
NIPS 2012): the hashes' range is cut into parts, and each part's least hash is a value. For bands,
a part without any takes another part's value, found by an order of its own (Shrivastava, "Optimal
Densification for Fast and Accurate Minwise Hashing", ICML 2017). Shingles sorted once by hash give
the signature, the bands and what verification looks up.

Texts under `short_words` words have no signature bands: with some twenty shingles, one changed
word moves Jaccard by a quarter, and templates ("X said on Monday it supports Y") collide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers, distinct_rows, ranges, spread_ranges
from transforms.frame import strip_frame
from transforms.hashed_texts import (
    GROUP,
    HASH_BITS,
    SHINGLE_HASH,
    HashedTexts,
    hash_group,
    within,
)
from transforms.settings import DeduplicateSettings
from transforms.words import Counts, Hashes, spread

Signatures = npt.NDArray[np.uint16]

# Sketches of two versions have nothing in common; a store's index is made anew for another one.
SKETCH_VERSION: Final = 4
BATCH: Final = GROUP  # articles sketched at once
# Bytes of a signature's value.
VALUE_BYTES: Final = 2
# An anchor is looked for among so many times as many passages as are wanted.
MARGIN: Final = 4
_VALUE: Final = np.uint64((1 << 8 * VALUE_BYTES) - 1)
_SPREADER: Final = np.uint64(0x9E3779B185EBCA87)  # xxHash's first 64-bit prime
_ROW_BITS: Final = (BATCH - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Sketch:
    """What deduplication keeps of an article instead of its text.

    `signature` is `permutations` little-endian 16-bit words, 0 where a part has no shingle; it is
    empty for texts of fewer than `shingle_words` words. `bands` are signed 64-bit integers, sorted
    and distinct; empty only for a text without words. `text_hash` is the same for two texts exactly
    when their words are.
    """

    item_id: str
    published_at: datetime
    signature: bytes
    bands: tuple[int, ...]
    shingles: int
    words: int
    text_hash: int


class SketchInput(NamedTuple):
    """What a sketch is made of."""

    item_id: str
    title: str
    text: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Sketches:
    """The sketches of several articles by column; each array has an item an article.

    But `bands`: an article's stand from its `band_bounds` on, up to the next one's, as in `Sketch`.
    Rows of `signatures` are zero for texts of fewer than `shingle_words` words. `hashed` is what
    the sketches were made of, and each one's row in it; it stays behind when they go to another
    process.
    """

    item_ids: tuple[str, ...]
    published_at: tuple[datetime, ...]
    signatures: Signatures
    bands: Integers
    band_bounds: Counts
    shingles: Counts
    words: Counts
    text_hashes: Integers
    hashed: tuple[HashedTexts, Counts] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        kept = (getattr(self, column.name) for column in fields(self) if column.name != "hashed")
        return Sketches, tuple(kept)

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
    # Exact copies are sketched once.
    number: dict[str, int] = {}
    rows = np.array(
        [number.setdefault(strip_frame(article.text), len(number)) for article in articles],
        dtype=np.int64,
    )
    hashed, every = hash_group(list(number), settings.shingle_words)
    owner = np.repeat(np.arange(len(hashed)), np.diff(hashed.bounds))
    hashes = hashed.shingles >> SHINGLE_HASH
    counts = hashed.words.counts
    part, least = _least_in_parts(owner, hashes, settings.permutations)
    signatures = _signatures(part, least, len(hashed), settings.permutations)
    if settings.permutations % _band_parts(settings) == 0:
        # The least hash of a larger part is the least one of a smaller.
        owner, hashes = part // settings.permutations, least
    keys, held = _keys(hashed, owner, hashes, every, settings)
    return Sketches(
        item_ids=tuple(article.item_id for article in articles),
        published_at=tuple(article.published_at for article in articles),
        signatures=signatures[rows],
        bands=keys[ranges((np.cumsum(held) - held)[rows], held[rows])],
        band_bounds=np.concatenate(([0], np.cumsum(held[rows]))),
        shingles=np.maximum(counts - settings.shingle_words + 1, 0)[rows],
        words=counts[rows],
        text_hashes=hashed.sequences[rows],
        hashed=(hashed, rows),
    )


def estimate_jaccard(first: bytes, second: bytes) -> float:
    """Return the Jaccard similarity that two signatures of one length estimate; 0.0 for none."""
    if not first or len(first) != len(second):
        return 0.0
    left, right = np.frombuffer(first, "<u2"), np.frombuffer(second, "<u2")
    told = (left | right) > 0
    return float(np.mean((left == right)[told])) if told.any() else 0.0


def _least_in_parts(owner: Counts, hashes: Hashes, parts: int) -> tuple[Integers, Hashes]:
    """Return the filled parts (of all texts one after another) and the least hash in each.

    `hashes` have `HASH_BITS` and are sorted within each text.
    """
    part = ((hashes * np.uint64(parts)) >> np.uint64(HASH_BITS)).astype(np.int64) + owner * parts
    first = np.flatnonzero(distinct_rows(part))
    return part[first], hashes[first]


def _signatures(part: Integers, least: Hashes, texts: int, permutations: int) -> Signatures:
    made = np.zeros(texts * permutations, dtype="<u2")
    made[part] = np.maximum(least & _VALUE, np.uint64(1))
    return made.reshape(texts, permutations)


def _band_hashes(
    owner: Counts, hashes: Hashes, texts: int, settings: DeduplicateSettings
) -> Integers:
    """Return the band hashes of each text; of one without shingles they mean nothing."""
    rows = settings.band_rows
    bands = _band_parts(settings) // rows
    part, least = _least_in_parts(owner, hashes, bands * rows)
    values = np.zeros(texts * bands * rows, dtype=np.uint64)
    values[part] = least + np.uint64(1)
    grouped = _densified(values.reshape(texts, bands * rows)).reshape(texts, bands, rows)
    mixed = np.zeros(grouped.shape[:2], dtype=np.uint64) + np.arange(1, bands + 1, dtype=np.uint64)
    for row in range(rows):
        mixed = mixed * _SPREADER + grouped[:, :, row]
    return spread(mixed).view(np.int64)


def _band_parts(settings: DeduplicateSettings) -> int:
    """Return into how many parts the hashes' range is cut for the bands."""
    rows = settings.band_rows
    return rows * max(1, min(settings.bands, settings.permutations // rows))


def _densified(values: Hashes) -> Hashes:
    """Return the values with each empty part (0) filled from another one of its text."""
    filled = values.copy()
    text, part = np.nonzero(values == 0)
    holds = np.count_nonzero(values, axis=1)[text] > 0
    text, part = text[holds], part[holds]
    for donors in _donors(values.shape[1]):
        if not len(text):
            break
        found = values[text, donors[part]]
        filled[text, part] = found
        still = found == 0
        text, part = text[still], part[still]
    return filled


@lru_cache
def _donors(parts: int) -> Integers:
    """Return whom each part asks, by attempt: every part asks all, in an order of its own."""
    random = spread(np.arange(1, parts * parts + 1, dtype=np.uint64)).reshape(parts, parts)
    return np.ascontiguousarray(np.argsort(random, axis=1, kind="stable").T)


def _keys(
    hashed: HashedTexts,
    owner: Counts,
    hashes: Hashes,
    every: Hashes,
    settings: DeduplicateSettings,
) -> tuple[Integers, Counts]:
    """Return the distinct band hashes of all texts, sorted within each, and how many each has."""
    texts, counts = len(hashed), hashed.words.counts
    width = 2 * settings.shingle_words
    passages = np.maximum(counts - width + 1, 0)
    leads = np.minimum(passages, max(1, settings.lead_words - width + 1))
    long = counts >= settings.short_words
    bands = _band_hashes(owner, hashes, texts, settings)
    last = 1 + bands.shape[1]
    room = last + settings.anchors + settings.lead_anchors
    table = np.repeat(hashed.sequences, room).reshape(texts, room)
    table[long, 1:last] = bands[long]
    mixed = _passages(every, settings.shingle_words)
    words = np.repeat(np.arange(texts), counts)
    # Most passages are anchors' candidates where they stand, the few of the leads are taken out.
    lead, at = spread_ranges(hashed.words.bounds[:-1], leads)
    for values, text, inside, sizes, count in (
        (mixed, words[: len(mixed)], within(words, width), passages, settings.anchors),
        (mixed[at], lead, np.ones(len(at), dtype=np.bool_), leads, settings.lead_anchors),
    ):
        found, whose, rank = _least(values, text, inside, sizes, count)
        table[whose, last + rank] = found
        last += count
    table.sort(axis=1)
    fresh = np.ones(table.shape, dtype=np.bool_)
    fresh[:, 1:] = table[:, 1:] != table[:, :-1]
    fresh[counts == 0] = False
    return table[fresh], np.count_nonzero(fresh, axis=1)


def _passages(every: Hashes, width: int) -> Hashes:
    """Return the hash of each passage of two runs of `width` words."""
    return spread(every[:-width] * _SPREADER + every[width:]) if len(every) > width else every[:0]


def _least(
    values: Hashes, owner: Counts, inside: Flags, sizes: Counts, count: int
) -> tuple[Integers, Counts, Counts]:
    """Return each owner's `count` least distinct values, whose they are, and their ranks.

    Only values `inside` count; each owner has `sizes` many of these. The owner is packed over the
    value's last bits, so that one sort serves all; and of many values, which are spread evenly,
    only the low ones are sorted.
    """
    share = np.minimum(MARGIN * count / np.maximum(sizes, 1), 1.0)
    limits = (share * float(1 << 63)).astype(np.uint64) * np.uint64(2) - np.uint64(1)
    low = inside & (values <= limits[owner])
    at = np.flatnonzero(low)
    found, whose, rank = _ranked(values[at], owner[at])
    few = np.bincount(whose, minlength=len(sizes)) < count
    few &= share < 1.0
    if few.any():
        at = np.flatnonzero(low | (inside & few[owner]))
        found, whose, rank = _ranked(values[at], owner[at])
    kept = rank < count
    return found[kept], whose[kept], rank[kept]


def _ranked(values: Hashes, owner: Counts) -> tuple[Integers, Counts, Counts]:
    """Return the distinct values by owner, sorted, with their owners and ranks among theirs."""
    bits = np.uint64(_ROW_BITS)
    packed = np.sort((owner.astype(np.uint64) << (np.uint64(64) - bits)) | (values >> bits))
    packed = packed[distinct_rows(packed)]
    owners = (packed >> (np.uint64(64) - bits)).astype(np.int64)
    begins = np.searchsorted(owners, np.arange(1 << _ROW_BITS))
    rank = np.arange(len(packed)) - begins[owners]
    return spread(packed << bits).view(np.int64), owners, rank
