"""Which passages two texts share, in whatever order, and what stands between those passages."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import Indel

from transforms.text_view import TextView
from transforms.words import Counts


@dataclass(frozen=True, slots=True)
class Block:
    """A passage of `size` words that starts at `left` in one text and at `right` in the other."""

    left: int
    right: int
    size: int


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two passages that follow each other in both texts: half-open ranges."""

    left_start: int
    left_end: int
    right_start: int
    right_end: int


def shared_shingles(first: TextView, second: TextView, width: int) -> tuple[Counts, Counts]:
    """Return where the shingles that both texts have stand in each: two parallel arrays.

    Where a text repeats a shingle, its first place counts.
    """
    ours, our_places = first.shingles(width)
    theirs, their_places = second.shingles(width)
    # Both are sorted: a merge by bisection is several times as fast as numpy's intersect1d.
    at = np.searchsorted(ours, theirs)
    at[at == len(ours)] = 0
    hit = ours[at] == theirs
    return our_places[at[hit]], their_places[hit]


def shared_passages(left: Counts, right: Counts, width: int) -> list[Block]:
    """Return the passages that shared shingles make up, by `left` position.

    Shingles meet wherever they stand, so that moved paragraphs are found where a longest common
    subsequence would lose them. Shingles that follow each other in both texts make a passage.
    """
    if not len(left):
        return []
    order = np.argsort(left)
    left, right = left[order], right[order]
    parted = (left[1:] - left[:-1] != 1) | (right[1:] - right[:-1] != 1)
    starts = [0, *(np.flatnonzero(parted) + 1).tolist()]
    ends = [*starts[1:], len(left)]
    blocks: list[Block] = []
    for start, end in zip(starts, ends, strict=True):
        at, to, size = int(left[start]), int(right[start]), end - start + width - 1
        last = blocks[-1] if blocks else None
        if last is not None and last.left + last.size > at:
            if last.right - last.left == to - at:  # one passage, parted by a repeated shingle
                blocks[-1] = Block(last.left, last.right, max(last.size, at + size - last.left))
                continue
            cut = last.left + last.size - at
            if cut >= size:
                continue
            at, to, size = at + cut, to + cut, size - cut
        blocks.append(Block(at, to, size))
    return blocks


def gaps(blocks: Sequence[Block], left_size: int, right_size: int) -> Iterator[Gap]:
    """Yield what lies before, between and after the blocks, where both texts agree on the order.

    Around a moved passage there is no gap: its neighbours differ, so nothing was swapped.
    """
    edged = [Block(0, 0, 0), *blocks, Block(left_size, right_size, 0)]
    by_right = sorted(range(1, len(edged) - 1), key=lambda index: edged[index].right)
    follower = dict(pairwise([0, *by_right, len(edged) - 1]))
    for index, block in enumerate(edged[:-1]):
        if follower[index] != index + 1:
            continue
        after = edged[index + 1]
        left_start, right_start = block.left + block.size, block.right + block.size
        # A passage that one text repeats may reach into its neighbour on the right.
        gap = Gap(left_start, after.left, right_start, max(right_start, after.right))
        if gap.left_end > gap.left_start or gap.right_end > gap.right_start:
            yield gap


def changes(
    left: Sequence[Hashable], right: Sequence[Hashable]
) -> tuple[list[tuple[slice, slice]], float]:
    """Return where two short sequences differ, and how much of the longer is unchanged (0 to 1).

    Each change is a slice of `left` and the slice of `right` that stands in its place; one of the
    two may be empty.
    """
    if not left or not right:
        return ([(slice(0, len(left)), slice(0, len(right)))] if left or right else []), 0.0
    found: list[tuple[slice, slice]] = []
    kept = 0
    at = to = 0
    for step in Indel.opcodes(left, right):
        if step.tag != "equal":
            continue
        if (step.src_start, step.dest_start) != (at, to):
            found.append((slice(at, step.src_start), slice(to, step.dest_start)))
        kept += step.src_end - step.src_start
        at, to = step.src_end, step.dest_end
    if (at, to) != (len(left), len(right)):
        found.append((slice(at, len(left)), slice(to, len(right))))
    return found, kept / max(len(left), len(right))
