"""Bootstrap intervals for every figure of a report."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

DRAWS: Final = 1000
SEED: Final = 1
# The report's key under which its intervals lie, shaped like the report itself.
INTERVALS: Final = "intervals"
_TAIL: Final = 0.025

Item = TypeVar("Item")
Report = dict[str, Any]


def with_intervals(
    items: Sequence[Item], report: Callable[[Sequence[Item]], Report], draws: int = DRAWS
) -> Report:
    """Return `report(items)` with the 95 % interval of each of its fractions under "intervals".

    Percentile bootstrap: `items` (sentences, records, documents: what was sampled as one) are drawn
    with replacement `draws` times, seeded. A figure of a group that a draw doesn't hold is left out
    of that draw. Counts have no interval. Without items there are no intervals.
    """
    figures = report(items)
    chance = random.Random(SEED)
    drawn: dict[tuple[str, ...], list[float]] = {}
    for _ in range(draws if items else 0):
        for path, value in _fractions(report(chance.choices(items, k=len(items)))):
            drawn.setdefault(path, []).append(value)
    told = {path for path, _ in _fractions(figures)}
    intervals: Report = {}
    for path, values in drawn.items():
        if path in told:
            _put(intervals, path, _interval(values))
    return {**figures, INTERVALS: intervals}


def _interval(values: list[float]) -> list[float]:
    values.sort()
    last = len(values) - 1
    return [values[round(_TAIL * last)], values[round((1 - _TAIL) * last)]]


def _fractions(
    report: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, value in report.items():
        if isinstance(value, float):
            yield (*above, name), value
        elif isinstance(value, Mapping):
            yield from _fractions(value, (*above, name))


def _put(report: Report, path: tuple[str, ...], value: list[float]) -> None:
    for name in path[:-1]:
        report = report.setdefault(name, {})
    report[path[-1]] = value
