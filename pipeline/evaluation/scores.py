"""Counts and the figures made of them: precision, recall, F1, macro-F1, bootstrap intervals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

DIGITS = 4
Figures = dict[str, float | int]


@dataclass(slots=True)
class Tally:
    """True positives, false positives and false negatives; additive."""

    right: int = 0
    extra: int = 0
    missed: int = 0

    def add(self, found: set[object], wanted: set[object]) -> None:
        """Count one item's found edges against the wanted ones."""
        self.right += len(found & wanted)
        self.extra += len(found - wanted)
        self.missed += len(wanted - found)

    @property
    def precision(self) -> float:
        """Right among found; 0 where nothing was found."""
        found = self.right + self.extra
        return self.right / found if found else 0.0

    @property
    def recall(self) -> float:
        """Right among wanted; 0 where nothing was wanted."""
        wanted = self.right + self.missed
        return self.right / wanted if wanted else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def figures(self) -> Figures:
        """Return the figures as plain numbers, rounded."""
        return {
            "precision": round(self.precision, DIGITS),
            "recall": round(self.recall, DIGITS),
            "f1": round(self.f1, DIGITS),
            "right": self.right,
            "extra": self.extra,
            "missed": self.missed,
        }


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    result = Tally()
    for tally in tallies:
        result.right += tally.right
        result.extra += tally.extra
        result.missed += tally.missed
    return result


def class_figures(pairs: Sequence[tuple[str, str]]) -> dict[str, Figures]:
    """Return the figures of each class for (wanted, found) pairs, classes in name order."""
    figures = {}
    for name in sorted({wanted for wanted, _ in pairs} | {found for _, found in pairs}):
        tally = Tally(
            right=sum(w == name and f == name for w, f in pairs),
            extra=sum(w != name and f == name for w, f in pairs),
            missed=sum(w == name and f != name for w, f in pairs),
        )
        figures[name] = {**tally.figures(), "support": sum(w == name for w, _ in pairs)}
    return figures


def macro_f1(pairs: Sequence[tuple[str, str]], classes: Sequence[str]) -> float:
    """Return the mean F1 over the given classes."""
    figures = class_figures(pairs)
    scores = [float(figures[name]["f1"]) if name in figures else 0.0 for name in classes]
    return round(sum(scores) / len(scores), DIGITS) if scores else 0.0


def bootstrap(
    items: Sequence[Tally], figure: Callable[[Tally], float], draws: int = 500, seed: int = 1
) -> list[float]:
    """Return the 95 % percentile interval of a figure over resampled items."""
    if not items:
        return [0.0, 0.0]
    chance = random.Random(seed)
    values = sorted(figure(total(chance.choices(items, k=len(items)))) for _ in range(draws))
    low, high = values[int(0.025 * draws)], values[min(draws - 1, int(0.975 * draws))]
    return [round(low, DIGITS), round(high, DIGITS)]
