"""Training the gate: which pairs are worth the learned reader's time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from transforms.stances.gate import LIMIT, SLOTS

RATE = 0.1
DECAY = 0.01
# The share of true stances that the gate must let through on held-out sentences.
KEPT = 0.93


def fit_gate(slots: Sequence[set[int]], stances: Sequence[bool], seed: int) -> np.ndarray[Any, Any]:
    """Return weights (SLOTS + 1,) from one pass of AdaGrad over pairs in a seeded order.

    More passes fit the training sentences better and held-out ones worse.
    """
    weights, squares = np.zeros(SLOTS + 1), np.full(SLOTS + 1, 1e-6)
    order = list(range(len(slots)))
    random.Random(seed).shuffle(order)
    for number in order:
        at = [*sorted(slots[number]), SLOTS]
        chance = 1 / (1 + np.exp(-weights[at].sum()))
        slope = chance - stances[number] + DECAY * weights[at]
        squares[at] += slope**2
        weights[at] -= RATE * slope / np.sqrt(squares[at])
    return weights.astype(np.float32)


def choose_threshold(
    weights: np.ndarray[Any, Any], slots: Sequence[set[int]], stances: Sequence[bool]
) -> float:
    """Return the score that `KEPT` of the held-out stances reach."""
    scores = [
        max(-LIMIT, float(weights[[*found, SLOTS]].sum()))
        for found, stance in zip(slots, stances, strict=True)
        if stance
    ]
    return round(float(np.quantile(scores, 1 - KEPT)), 4) if scores else 0.0
