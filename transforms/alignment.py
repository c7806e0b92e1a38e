"""Which passages two texts share, in whatever order, and what stands between those passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import Indel

# Longer gaps are whole passages, not swapped words; aligning them costs time for nothing.
MAX_GAP_WORDS = 200


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


@dataclass(frozen=True, slots=True)
class Change:
    """Words of a gap that one text has where the other has others (or none): half-open ranges."""

    left_start: int
    left_end: int
    right_start: int
    right_end: int


def shared_blocks(left: Sequence[str], right: Sequence[str], width: int) -> list[Block]:
    """Return the passages of at least `width` words that both texts have, by `left` position.

    A passage is found by a run of `width` words that each text has once, then grown both ways, so
    that moved paragraphs are found where a longest common subsequence would lose them. Linear.
    """
    places = _unique_runs(right, width)
    blocks: list[Block] = []
    covered = 0
    for start, run in _unique_runs_in_order(left, width):
        if start < covered or run not in places:
            continue
        at = places[run]
        back = 0
        while (
            start - back > covered and at > back and left[start - back - 1] == right[at - back - 1]
        ):
            back += 1
        size = width
        while (
            start + size < len(left)
            and at + size < len(right)
            and left[start + size] == right[at + size]
        ):
            size += 1
        blocks.append(Block(start - back, at - back, size + back))
        covered = start + size
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
        # A passage that one text repeats may have grown into its neighbour on the right.
        gap = Gap(left_start, after.left, right_start, max(right_start, after.right))
        if gap.left_end > gap.left_start or gap.right_end > gap.right_start:
            yield gap


def changes(left: Sequence[str], right: Sequence[str], gap: Gap) -> tuple[list[Change], float]:
    """Return the changes inside a gap and how much of it is unchanged (0 to 1)."""
    first, second = left[gap.left_start : gap.left_end], right[gap.right_start : gap.right_end]
    whole = Change(gap.left_start, gap.left_end, gap.right_start, gap.right_end)
    if not first or not second:
        return [whole], 0.0
    if max(len(first), len(second)) > MAX_GAP_WORDS:
        return [whole], 0.0
    found: list[Change] = []
    kept = 0
    for step in Indel.opcodes(first, second):
        if step.tag == "equal":
            kept += step.src_end - step.src_start
            continue
        change = Change(
            gap.left_start + step.src_start,
            gap.left_start + step.src_end,
            gap.right_start + step.dest_start,
            gap.right_start + step.dest_end,
        )
        touching = found and (found[-1].left_end, found[-1].right_end) == (
            change.left_start,
            change.right_start,
        )
        if touching:
            last = found.pop()
            change = Change(last.left_start, change.left_end, last.right_start, change.right_end)
        found.append(change)
    return found, kept / max(len(first), len(second))


def _unique_runs_in_order(words: Sequence[str], width: int) -> list[tuple[int, tuple[str, ...]]]:
    return [(at, run) for run, at in sorted(_unique_runs(words, width).items(), key=lambda i: i[1])]


def _unique_runs(words: Sequence[str], width: int) -> dict[tuple[str, ...], int]:
    """Return the position of each run of `width` words that occurs once."""
    seen: dict[tuple[str, ...], int] = {}
    repeated: set[tuple[str, ...]] = set()
    for at, run in enumerate(zip(*(words[step:] for step in range(width)), strict=False)):
        if run in seen:
            repeated.add(run)
        seen[run] = at
    for run in repeated:
        del seen[run]
    return seen
