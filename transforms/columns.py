"""Small operations on parallel numpy columns that deduplication shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def distinct_rows(*columns: npt.NDArray[Any]) -> Flags:
    """Say of each row of sorted parallel columns whether it differs from the one before."""
    fresh = np.ones(len(columns[0]), dtype=np.bool_)
    fresh[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return fresh


def distinct(values: Integers) -> Integers:
    """Return the distinct values, sorted; numpy's `unique` hashes them first, at several times
    the cost of sorting where nearly all differ.
    """
    ordered = np.sort(values)
    return ordered[distinct_rows(ordered)]


def spread_ranges(starts: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Return the numbers of many ranges one after another, with whose each is (its index)."""
    return np.repeat(np.arange(len(starts)), counts), ranges(starts, counts)


def ranges(starts: Integers, counts: Integers) -> Integers:
    """Return the numbers of many ranges, `counts` many from `starts` on, one after another."""
    ends = np.cumsum(counts)
    numbers = np.arange(ends[-1] if len(ends) else 0)
    numbers += np.repeat(starts - (ends - counts), counts)
    return numbers


def component_roots(first: Integers, second: Integers, size: int) -> Integers:
    """Return the least node of each node's component; nodes are 0 to `size` - 1, pairs are edges.

    Roots hook onto smaller ones and paths are halved until nothing changes: a few passes.
    """
    root = np.arange(size)
    while True:
        ends = root[first], root[second]
        low, high = np.minimum(*ends), np.maximum(*ends)
        if np.array_equal(low, high):
            return root
        np.minimum.at(root, high, low)
        while not np.array_equal(above := root[root], root):
            root = above


def id_columns(ids: Sequence[str]) -> list[npt.NDArray[np.uint64]]:
    """Return the ids as columns of numbers, the least significant first, as `lexsort` takes them.

    They sort and compare as the ids do, at a fraction of the cost. Ids hold no NUL characters.
    """
    coded = [item.encode("utf-8", "surrogatepass") for item in ids]
    width = max(1, -(-max(map(len, coded), default=0) // 8))
    table = np.array(coded, dtype=f"S{8 * width}").view(">u8").reshape(len(ids), width)
    return [table[:, column].astype(np.uint64) for column in reversed(range(width))]
