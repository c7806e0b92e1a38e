"""Counts and the figures made of them: precision, recall, F1, macro-F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

DIGITS = 4
Figures = dict[str, float | int]


@dataclass(slots=True)
class Tally:
    """True positives, false positives and false negatives; additive."""

    right: int = 0
    extra: int = 0
    missed: int = 0

    def add(self, found: Set[Any], wanted: Set[Any]) -> None:
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


def class_figures(pairs: Iterable[tuple[str, str]]) -> dict[str, Figures]:
    """Return the figures of each class for (wanted, found) pairs, classes in name order."""
    counts = Counter(pairs)
    figures: dict[str, Figures] = {}
    for name in sorted({label for pair in counts for label in pair}):
        right = counts[name, name]
        support = sum(n for (wanted, _), n in counts.items() if wanted == name)
        found = sum(n for (_, label), n in counts.items() if label == name)
        tally = Tally(right, extra=found - right, missed=support - right)
        figures[name] = {**tally.figures(), "support": support}
    return figures


def macro_f1(figures: Mapping[str, Figures], classes: Sequence[str]) -> float:
    """Return the mean F1 over the given classes; one without figures has none."""
    scores = [float(figures[name]["f1"]) if name in figures else 0.0 for name in classes]
    return round(sum(scores) / len(scores), DIGITS) if scores else 0.0
