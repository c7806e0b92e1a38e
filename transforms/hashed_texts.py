"""Texts as deduplication reads them: bodies without frames, hashed words, shingles in hash order.

They cost a tenth of what is made of them, so they are kept beside a text while it stays in one
process, and made anew in the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers, distinct_rows, ranges
from transforms.frame import strip_frame
from transforms.words import (
    Counts,
    Hashes,
    Places,
    Words,
    hash_words,
    join_words,
    pick_words,
    runs,
    sequence_hashes,
)

# Texts hashed at once: enough to share numpy's call costs, few enough to stay in cache.
GROUP: Final = 128
# A shingle is one number: its hash over its place in the text, and the text's number above both.
# What is kept of it has a free bit between hash and place, where a comparison marks its side.
PLACE_BITS: Final = 16
MAX_PLACE: Final = (1 << PLACE_BITS) - 1
HASH_BITS: Final = 64 - PLACE_BITS - (GROUP - 1).bit_length()
_PLACE: Final = np.uint64(PLACE_BITS)
_OWNER: Final = np.uint64(PLACE_BITS + HASH_BITS)
SHINGLE_HASH: Final = np.uint64(PLACE_BITS + 1)


@dataclass(frozen=True, slots=True, eq=False)
class HashedTexts:
    """Several texts. `words` are those of the `bodies`, `sequences` a hash of each text's words.

    `shingles` are each text's distinct runs of words, sorted: `HASH_BITS` of hash, a 0, then
    `PLACE_BITS` of the first place that has them (places past `MAX_PLACE` count as that). A text's
    stand from its `bounds` on, up to the next one's; a text shorter than a run has none.
    """

    bodies: tuple[str, ...]
    words: Words
    sequences: Integers
    shingles: Hashes
    bounds: Counts

    def __len__(self) -> int:
        return len(self.bodies)


def hash_texts(texts: Sequence[str], width: int) -> Iterator[HashedTexts]:
    """Yield the texts, `GROUP` by `GROUP`, hashed with shingles of `width` words."""
    for start in range(0, len(texts), GROUP):
        bodies = [strip_frame(text) for text in texts[start : start + GROUP]]
        yield hash_group(bodies, width)[0]


def hash_group(bodies: Sequence[str], width: int) -> tuple[HashedTexts, Hashes]:
    """Return at most `GROUP` texts, and the hash of every run of `width` of their words.

    Some runs reach into the next text: `within` says which don't.
    """
    words = hash_words(bodies)
    every = runs(words.hashes, width)
    owner = np.repeat(np.arange(len(words)), words.counts)
    place = ranges(np.zeros(len(words), dtype=np.int64), words.counts)
    inside = within(owner, width)
    packed = (owner[: len(every)].astype(np.uint64) << _OWNER) | (
        every >> np.uint64(64 - HASH_BITS) << _PLACE
    )
    packed |= np.minimum(place[: len(every)], MAX_PLACE).astype(np.uint64)
    packed = np.sort(packed[inside])
    packed = packed[distinct_rows(packed >> _PLACE)]
    bounds = np.searchsorted(packed, np.arange(len(bodies), dtype=np.uint64) << _OWNER)
    place_mask, owner_mask = np.uint64(MAX_PLACE), (np.uint64(1) << _OWNER) - np.uint64(1)
    shingles = ((packed & owner_mask) >> _PLACE << SHINGLE_HASH) | (packed & place_mask)
    bounds = np.append(bounds, len(packed))
    sequences = sequence_hashes(words.hashes, words.bounds)
    return HashedTexts(tuple(bodies), words, sequences, shingles, bounds), every


def within(owner: Counts, width: int) -> Flags:
    """Say of each run of `width` words whether it lies within one text."""
    length = max(0, len(owner) - width + 1)
    inside: Flags = owner[:length] == owner[len(owner) - length :]
    return inside


def join_texts(groups: Sequence[HashedTexts]) -> HashedTexts:
    """Return the texts of several groups as one."""
    sizes = np.concatenate([np.diff(texts.bounds) for texts in groups])
    return HashedTexts(
        tuple(body for texts in groups for body in texts.bodies),
        join_words([texts.words for texts in groups]),
        np.concatenate([texts.sequences for texts in groups]),
        np.concatenate([texts.shingles for texts in groups]),
        np.concatenate(([0], np.cumsum(sizes))),
    )


class TextRows:
    """Some texts of several groups, each known by its number: their shingles, and words as asked.

    `counts` are words, `shingles` those of each text, `sizes` many. The words are copied into
    columns of their own once: texts that are compared stand in many groups, and a look at each of
    these costs more than the copy.
    """

    def __init__(self, groups: Sequence[HashedTexts], group: Integers, row: Integers) -> None:
        order = np.argsort(group, kind="stable")
        bounds = np.searchsorted(group[order], np.arange(len(groups) + 1)).tolist()
        some = [(groups[at], row[order[slice(*ends)]]) for at, ends in enumerate(pairwise(bounds))]
        some = [(texts, rows) for texts, rows in some if len(rows)]
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.arange(len(order))
        self._words = pick_words([(texts.words, rows) for texts, rows in some])
        self._starts = self._words.bounds[number]
        self.counts = self._words.counts[number]
        none = np.empty(0, dtype=np.int64)
        self.sequences = np.concatenate([none, *(texts.sequences[rows] for texts, rows in some)])
        self.sequences = self.sequences[number]
        bodies, shingles = [], []
        for texts, rows in some:
            ends = texts.bounds[rows].tolist(), texts.bounds[rows + 1].tolist()
            shingles += [texts.shingles[start:end] for start, end in zip(*ends, strict=True)]
            bodies += [texts.bodies[at] for at in rows.tolist()]
        self.shingles = [shingles[at] for at in number.tolist()]
        self.bodies = [bodies[at] for at in number.tolist()]
        self.sizes = np.array([len(of) for of in self.shingles], dtype=np.int64)

    def words(self, texts: Integers, places: Integers) -> tuple[Hashes, npt.NDArray[np.uint8]]:
        """Return hashes and kinds of some words: each is named by its text, and place in that."""
        at = self._starts[texts] + places
        return self._words.hashes[at], self._words.written[at]

    def spans(self, texts: Integers, places: Integers) -> tuple[Places, Places]:
        """Return where words start and end in their texts' bodies; they are named as in `words`."""
        at = self._starts[texts] + places
        return self._words.starts[at], self._words.ends[at]

    def all_words(self, text: int) -> tuple[Hashes, Places, Places]:
        """Return the hashes, starts and ends of a text's words."""
        words, start = self._words, self._starts[text]
        span = slice(start, start + self.counts[text])
        return words.hashes[span], words.starts[span], words.ends[span]
