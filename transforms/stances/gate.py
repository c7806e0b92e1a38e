"""Whether a pair is worth the learned reader's time: a linear model over words of the parse.

It lets through what is not almost certainly neutral, and its score has a say in the combination.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from transforms.stances.tree import Tree

# Features are hashed into this many weights; the last is the constant.
SLOTS: Final = 1 << 13
LIMIT: Final = 15.0
_BESIDE: Final = 3
_MOST_BETWEEN: Final = 30


class Gate:
    """Opens for pairs whose score reaches the threshold; `weights` (SLOTS + 1,) float32."""

    def __init__(self, weights: np.ndarray[Any, Any], threshold: float) -> None:
        self._weights: list[float] = weights.astype(float).tolist()
        self._threshold = threshold

    def score(self, tree: Tree, a: int, b: int) -> float:
        """Return the log-odds that tokens `a` and `b`, in the order of the text, have a stance.

        A linear model that saw each word a few times is surer than it should be: odds are limited.
        """
        weights = self._weights
        odds = weights[SLOTS] + math.fsum(weights[slot] for slot in sorted(slots(tree, a, b)))
        return min(LIMIT, max(-LIMIT, odds))

    def opens(self, score: float) -> bool:
        """Tell whether a pair of this score is worth reading."""
        return score >= self._threshold


def load_gate(path: Path, threshold: float) -> Gate:
    """Return the gate whose weights are in a .npy file; raises ValueError or OSError."""
    weights = np.load(path, allow_pickle=False)
    if weights.shape != (SLOTS + 1,) or not np.isfinite(weights).all():
        raise ValueError(f"{path}: not a gate's weights")
    return Gate(weights, threshold)


def slots(tree: Tree, a: int, b: int) -> set[int]:
    """Return the weights that a pair's features fall into."""
    return {_slot(feature) for feature in _features(tree, a, b)}


@lru_cache(maxsize=1 << 16)
def _slot(feature: str) -> int:
    return crc32(feature.encode()) % SLOTS


def _features(tree: Tree, a: int, b: int) -> Iterator[str]:
    lemma, dep = tree.lemma, tree.dep
    up, down = [a, *tree.ancestors(a)], [b, *tree.ancestors(b)]
    meet = next((i for i in up if i in down), up[-1])
    left = up[: up.index(meet)]
    right = down[: down.index(meet)] if meet in down else down
    ways = "<".join(dep[i] for i in left), ">".join(dep[i] for i in reversed(right))
    yield f"ways {ways[0]} {ways[1]}"
    yield f"meet {lemma[meet] if meet not in (a, b) else dep[meet]}"
    yield f"meet {lemma[meet] if meet not in (a, b) else ''} {ways[0]}"
    yield f"meet {lemma[meet] if meet not in (a, b) else ''} {ways[1]}"
    for i in (*left[1:], *right[1:], *_kids(tree, (meet, *left[1:], *right[1:]), {a, b})):
        yield f"near {lemma[i]}"
    first, last = tree.bounds[tree.sentence[a]]
    for i in range(a + 1, min(b, a + _MOST_BETWEEN)):
        yield f"between {lemma[i]}"
    for i in range(max(first, a - _BESIDE), a):
        yield f"before {lemma[i]}"
    for i in range(b + 1, min(last, b + 1 + _BESIDE)):
        yield f"after {lemma[i]}"
    yield f"gap {min(8, (b - a) // 4)}"


def _kids(tree: Tree, tokens: Iterable[int], without: set[int]) -> Iterator[int]:
    for i in tokens:
        yield from (k for k in tree.kids[i] if k not in without)
