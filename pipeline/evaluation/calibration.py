"""Whether confidence means something: calibration error, and precision against recall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.evaluation.scores import DIGITS, Figures

BINS = 15
RECALL, PRECISION = 0.40, 0.80


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the expected calibration error over 15 bins of equal mass (Nguyen & O'Connor 2015).

    Items are sorted by confidence and cut into bins as equal in number as can be; the error is the
    mean, weighted by size, of how far a bin's mean confidence lies from its share of right ones.
    Few items make the figure larger than it is in truth: see `perfect_error`.
    """
    if not confidences:
        return 0.0
    order = np.argsort(np.asarray(confidences), kind="stable")
    told, was = np.asarray(confidences, float)[order], np.asarray(right, float)[order]
    bins = min(BINS, len(told))
    gaps = [
        abs(float(said.sum() - true.sum()))
        for said, true in zip(np.array_split(told, bins), np.array_split(was, bins), strict=True)
    ]
    return round(sum(gaps) / len(told), DIGITS)


def perfect_error(confidences: Sequence[float], draws: int = 200, seed: int = 1) -> float:
    """Return the mean calibration error of as many items that are right as often as they say."""
    chance = np.random.default_rng(seed)
    errors = [
        calibration_error(confidences, list(chance.random(len(confidences)) < confidences))
        for _ in range(draws)
    ]
    return round(sum(errors) / draws, DIGITS)


def curve_figures(confidences: Sequence[float], right: Sequence[bool], wanted: int) -> Figures:
    """Return the points of the precision-recall curve that matter.

    One item a reported edge, the surest first; `wanted` is how many edges there are to find.
    Precision at recall .40 is the best at any threshold that finds at least that share (0 where
    none does), recall at precision .80 the largest at any threshold that is at least as precise.
    Edges of one confidence stand or fall together.
    """
    order = np.argsort(-np.asarray(confidences, float), kind="stable")
    told, was = np.asarray(confidences, float)[order], np.asarray(right, float)[order]
    ends = np.flatnonzero(np.append(np.diff(told) != 0, True)) if len(told) else np.array([], int)
    found = np.cumsum(was)[ends]
    precision = found / (ends + 1)
    recall = found / wanted if wanted else np.zeros(len(ends))
    enough, exact = precision[recall >= RECALL], np.flatnonzero(precision >= PRECISION)
    best = exact[np.argmax(recall[exact])] if len(exact) else None
    return {
        "precision_at_recall_40": round(float(enough.max()), DIGITS) if len(enough) else 0.0,
        "recall_at_precision_80": round(float(recall[best]), DIGITS) if best is not None else 0.0,
        "threshold": round(float(told[ends[best]]), DIGITS) if best is not None else 1.0,
    }
