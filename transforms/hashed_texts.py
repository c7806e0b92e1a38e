"""Texts as deduplication reads them: bodies without frames, hashed words, shingles in hash order.

They cost a tenth of what is made of them, so they are kept beside a text while it stays in one
process, and made anew in the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers, distinct_rows, ranges
from transforms.frame import strip_frame
from transforms.words import Counts, Hashes, Words, hash_words, runs, sequence_hashes

# Texts hashed at once: enough to share numpy's call costs, few enough to stay in cache.
GROUP: Final = 128
# A shingle is one number: its hash over its place in the text, and the text's number above both.
PLACE_BITS: Final = 16
MAX_PLACE: Final = (1 << PLACE_BITS) - 1
HASH_BITS: Final = 64 - PLACE_BITS - (GROUP - 1).bit_length()
_PLACE: Final = np.uint64(PLACE_BITS)
_OWNER: Final = np.uint64(PLACE_BITS + HASH_BITS)


@dataclass(frozen=True, slots=True, eq=False)
class HashedTexts:
    """Several texts. `words` are those of the `bodies`, `sequences` a hash of each text's words.

    `shingles` are each text's distinct runs of words, sorted: `HASH_BITS` of hash, then
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
    shingles = packed & ((np.uint64(1) << _OWNER) - np.uint64(1))
    bounds = np.append(bounds, len(packed))
    return HashedTexts(tuple(bodies), words, sequence_hashes(words), shingles, bounds), every


def within(owner: Counts, width: int) -> Flags:
    """Say of each run of `width` words whether it lies within one text."""
    length = max(0, len(owner) - width + 1)
    inside: Flags = owner[:length] == owner[len(owner) - length :]
    return inside


class WordColumns(NamedTuple):
    """Words, as in `Words`, but that they start and end so many characters into their bodies."""

    hashes: Hashes
    written: npt.NDArray[np.uint8]
    starts: Counts
    ends: Counts


class TextRows:
    """Some texts of several groups, each known by its number: all shingles, and words as asked.

    `counts` are words, `shingles` those of all texts, the ones of a text `sizes` many from its
    place in `starts` on.
    """

    def __init__(self, groups: Sequence[HashedTexts], group: Integers, row: Integers) -> None:
        self._groups, self._group, self._row = groups, group, row
        self._word_starts, self.counts, self.sizes, self.sequences = (
            np.zeros(len(row), dtype=np.int64) for _ in range(4)
        )
        order, shingles = [], [np.empty(0, dtype=np.uint64)]
        for texts, members in self._by_group(group):
            at = row[members]
            self._word_starts[members] = texts.words.bounds[at]
            self.counts[members] = texts.words.bounds[at + 1] - texts.words.bounds[at]
            self.sizes[members] = texts.bounds[at + 1] - texts.bounds[at]
            self.sequences[members] = texts.sequences[at]
            spans = zip(texts.bounds[at].tolist(), texts.bounds[at + 1].tolist(), strict=True)
            shingles += [texts.shingles[start:end] for start, end in spans]
            order.append(members)
        self.shingles = np.concatenate(shingles)
        self.starts = np.zeros(len(row), dtype=np.int64)
        if order:
            placed = np.concatenate(order)
            self.starts[placed] = np.cumsum(self.sizes[placed]) - self.sizes[placed]

    def _by_group(self, group: Integers) -> Iterator[tuple[HashedTexts, Integers]]:
        """Yield each group that is named, and where."""
        order = np.argsort(group, kind="stable")
        for part in np.split(order, np.flatnonzero(distinct_rows(group[order]))[1:]):
            if len(part):
                yield self._groups[int(group[part[0]])], part

    def words(self, texts: Integers, places: Integers) -> WordColumns:
        """Return some words by column: each is named by its text, and its place in that."""
        found = WordColumns(
            np.zeros(len(texts), dtype=np.uint64),
            np.zeros(len(texts), dtype=np.uint8),
            *(np.zeros(len(texts), dtype=np.int64) for _ in range(2)),
        )
        for group, asked in self._by_group(self._group[texts]):
            number, words = texts[asked], group.words
            at = self._word_starts[number] + places[asked]
            offset = words.offsets[self._row[number]]
            found.hashes[asked] = words.hashes[at]
            found.written[asked] = words.written[at]
            found.starts[asked] = words.starts[at] - offset
            found.ends[asked] = words.ends[at] - offset
        return found

    def body(self, number: int) -> str:
        """Return a text's body."""
        return self._groups[int(self._group[number])].bodies[int(self._row[number])]

    def all_words(self, number: int) -> tuple[Hashes, Counts, Counts]:
        """Return the hashes, starts and ends of a text's words."""
        words = self._groups[int(self._group[number])].words
        row = int(self._row[number])
        offset, span = words.offsets[row], slice(*words.bounds[row : row + 2].tolist())
        return words.hashes[span], words.starts[span] - offset, words.ends[span] - offset
