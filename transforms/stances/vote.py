"""Probabilities of the five classes of a pair of actors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vote:
    """Probabilities that sum to 1: no stance, and one of each sign from P to Q and from Q to P.

    P is the mention that comes first in the text.
    """

    neutral: float
    positive: float
    positive_back: float
    negative: float
    negative_back: float

    def chances(self) -> tuple[float, ...]:
        """Return the five probabilities in the order of the fields."""
        return (
            self.neutral,
            self.positive,
            self.positive_back,
            self.negative,
            self.negative_back,
        )

    def of(self, sign: int, forward: bool) -> float:
        """Return the probability of a stance of this sign, from P to Q if `forward`."""
        if sign > 0:
            return self.positive if forward else self.positive_back
        return self.negative if forward else self.negative_back


def softmax(logits: Sequence[float]) -> Vote:
    """Return the vote that five logits stand for."""
    top = max(logits)
    weights = [math.exp(value - top) for value in logits]
    total = sum(weights)
    return Vote(*(weight / total for weight in weights))
