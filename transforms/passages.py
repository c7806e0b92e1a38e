"""Which passages many pairs of texts share, and what stands between them, by column.

What `alignment.shared_passages` and `alignment.gaps` find for one pair, for many at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transforms.columns import Flags, Integers, distinct_rows


class Blocks(NamedTuple):
    """Passages that pairs share, by pair and `left` position; words, one item a passage."""

    pair: Integers
    left: Integers
    right: Integers
    size: Integers


class Gaps(NamedTuple):
    """What stands between passages, by pair: word ranges of both texts, as in `alignment.Gap`."""

    pair: Integers
    left: Integers
    left_end: Integers
    right: Integers
    right_end: Integers

    def take(self, chosen: Integers | Flags) -> Gaps:
        """Return some of the gaps."""
        rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Gaps(*(column[rows] for column in self))


def find_blocks(pair: Integers, left: Integers, right: Integers, width: int) -> Blocks:
    """Return what `shared_passages` does for each pair; shingles come by pair and `left` place.

    A shingle that stood earlier already is missing from a passage, which goes on all the same.
    """
    step = left[1:] - left[:-1]
    parted = np.ones(len(pair), dtype=np.bool_)
    parted[1:] = (pair[1:] != pair[:-1]) | (step != right[1:] - right[:-1]) | (step >= width)
    starts = np.flatnonzero(parted)
    lasts = np.append(starts[1:], len(pair))[: len(starts)] - 1
    blocks = Blocks(pair[starts], left[starts], right[starts], left[lasts] - left[starts] + width)
    # Where two passages overlap on the left, the words count once. A passage has at least `width`
    # words and starts after the last shingle of the one before it, so that some are left.
    ends = blocks.left + blocks.size
    cut = np.zeros(len(ends), dtype=np.int64)
    cut[1:] = np.where(
        blocks.pair[1:] == blocks.pair[:-1], np.maximum(ends[:-1] - blocks.left[1:], 0), 0
    )
    return Blocks(blocks.pair, blocks.left + cut, blocks.right + cut, blocks.size - cut)


def find_gaps(blocks: Blocks, wanted: Flags, left_sizes: Integers, right_sizes: Integers) -> Gaps:
    """Return what `alignment.gaps` does for each wanted pair, by pair and `left` place."""
    kept = np.flatnonzero(wanted[blocks.pair])
    pair, left, right, size = (column[kept] for column in blocks)
    opens = distinct_rows(pair)
    closes = np.append(opens[1:], True)[: len(pair)]
    # Which passage follows in the right text: the next one, where both agree on the order.
    by_right = np.lexsort((right, pair))
    rank = np.empty(len(pair), dtype=np.int64)
    rank[by_right] = np.arange(len(pair))
    first = np.flatnonzero(opens)[np.cumsum(opens) - 1]
    last = np.flatnonzero(closes)[np.cumsum(opens) - 1]
    previous = np.maximum(np.arange(len(pair)) - 1, 0)
    follows = np.where(opens, rank == first, rank == rank[previous] + 1)
    ends_both = closes & (rank == last)
    before = (
        np.where(opens, 0, (left + size)[previous]),
        np.where(opens, 0, (right + size)[previous]),
    )
    gaps = Gaps(
        np.concatenate((pair[follows], pair[ends_both])),
        np.concatenate((before[0][follows], (left + size)[ends_both])),
        np.concatenate((left[follows], left_sizes[pair[ends_both]])),
        np.concatenate((before[1][follows], (right + size)[ends_both])),
        np.concatenate((right[follows], right_sizes[pair[ends_both]])),
    )
    # A passage that one text repeats may reach into its neighbour on the right.
    gaps = gaps._replace(right_end=np.maximum(gaps.right, gaps.right_end))
    return gaps.take(np.lexsort((gaps.left, gaps.pair)))
