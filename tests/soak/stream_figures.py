"""Figures of a stream's soak from what was noted of it; times in seconds, memory in bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WARM_UP_S = 300.0
WARM_UP = 0.1  # of the whole, if that is less


@dataclass(frozen=True, slots=True)
class Use:
    """One sample of the stream's processes: bytes of their own by role, bytes of mapped files in
    memory; `cpu_s` since its start.
    """

    at: float
    own: Mapping[str, int]
    mapped: int
    cpu_s: float

    @property
    def total(self) -> int:
        """Return the bytes that are the processes' own."""
        return sum(self.own.values())


@dataclass(frozen=True, slots=True)
class Batch:
    """One committed batch."""

    at: float
    took_s: float
    articles: int


@dataclass
class Notes:
    """Everything that was noted; `began` and `ended` are when publishing did."""

    began: float
    ended: float = 0.0
    shown: dict[str, float] = field(default_factory=dict)  # when each URL first stood in a feed
    kinds: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def quarter(self, number: int) -> tuple[float, float]:
        """Return the bounds of a quarter (1 to 4) of the time after the warm-up."""
        lasted = self.ended - self.began
        start = self.began + min(WARM_UP_S, WARM_UP * lasted)
        length = (self.ended - start) / 4
        return start + (number - 1) * length, start + number * length


def quantile(values: Sequence[float], share: float) -> float:
    """Return the least value that `share` of the values don't exceed; NaN where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def mean(values: Iterable[float]) -> float:
    """Return the mean, NaN of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def figures(notes: Notes, stanced: set[str]) -> dict[str, Any]:
    """Return all figures; `stanced` are the URLs of articles with a stance of their own."""
    waits = {url: notes.seen[url] - at for url, at in notes.shown.items() if url in notes.seen}
    return {
        "published_s": round(notes.ended - notes.began, 1),
        "items": dict(sorted(notes.kinds.items())),
        "articles": len(notes.shown),
        "latency_s": _latency(list(waits.values())),
        "latency_with_stances_s": _latency([waits[url] for url in waits if url in stanced]),
        "quarters": [_quarter(notes, number, waits) for number in range(1, 5)],
        "cpu_s": round(notes.uses[-1].cpu_s, 1) if notes.uses else math.nan,
        "batches": len(notes.batches),
    }


def _latency(values: Sequence[float]) -> dict[str, float]:
    named = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(quantile(values, share), 2) for name, share in named.items()}


def _quarter(notes: Notes, number: int, waits: Mapping[str, float]) -> dict[str, Any]:
    start, end = notes.quarter(number)
    uses = [use for use in notes.uses if start <= use.at < end]
    batches = [batch for batch in notes.batches if start <= batch.at < end]
    roles = sorted({name for use in uses for name in use.own})
    articles = sum(batch.articles for batch in batches)
    cpu_s = uses[-1].cpu_s - uses[0].cpu_s if len(uses) > 1 else math.nan
    lasted = uses[-1].at - uses[0].at if len(uses) > 1 else math.nan
    return {
        "own_mb": round(mean(use.total for use in uses) / 1e6, 1),
        "own_mb_by_role": {
            name: round(mean(use.own.get(name, 0) for use in uses) / 1e6, 1) for name in roles
        },
        "mapped_mb": round(mean(use.mapped for use in uses) / 1e6, 1),
        "cpu_ms_per_article": round(1000 * cpu_s / articles, 1) if articles else math.nan,
        "batches": len(batches),
        "articles_per_batch": round(articles / len(batches), 1) if batches else 0.0,
        "seconds_per_batch": round(mean(batch.took_s for batch in batches), 3),
        "cpu_share": round(cpu_s / lasted, 3),
        "latency_p95_s": round(
            quantile(
                [wait for url, wait in waits.items() if start <= notes.shown[url] < end], 0.95
            ),
            2,
        ),
    }


def missed_aims(found: Mapping[str, Any], latency_s: float, growth: float) -> list[str]:
    """Return which aims the figures miss, a line each.

    Aims: p95 of latency at most `latency_s`; memory of the last quarter at most 5 % over the
    second's; seconds per batch of the last at most `growth` (0.1 is 10 %) over the first's.
    """
    first, second, _, last = found["quarters"]
    aims = {
        f"p95 of latency {found['latency_s']['p95']} s > {latency_s:g} s": (
            found["latency_s"]["p95"] <= latency_s
        ),
        f"memory {second['own_mb']} -> {last['own_mb']} MB, more than 5 %": (
            last["own_mb"] <= 1.05 * second["own_mb"]
        ),
        f"a batch {first['seconds_per_batch']} -> {last['seconds_per_batch']} s, more than"
        f" {growth:.0%}": last["seconds_per_batch"] <= (1 + growth) * first["seconds_per_batch"],
    }
    return [text for text, held in aims.items() if not held]


def table(found: Mapping[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"{found['articles']:,} articles in {found['published_s']:,.0f} s ("
        + ", ".join(f"{number:,} {kind}" for kind, number in found["items"].items())
        + f"), {found['batches']:,} batches, {found['cpu_s']:,.0f} s of processor",
        f"{'from shown to seen':<26}{'p50':>8}{'p95':>8}{'max':>8}  seconds",
    ]
    for name, key in (("all", "latency_s"), ("with stances", "latency_with_stances_s")):
        values = found[key]
        lines.append(f"{name:<26}{values['p50']:>8.1f}{values['p95']:>8.1f}{values['max']:>8.1f}")
    lines.append(f"{'quarter after warm-up':<26}" + "".join(f"{n:>10}" for n in range(1, 5)))
    rows = {
        "memory of its own, MB": "own_mb",
        "mapped files, MB": "mapped_mb",
        "seconds a batch": "seconds_per_batch",
        "articles a batch": "articles_per_batch",
        "processors used": "cpu_share",
        "processor ms an article": "cpu_ms_per_article",
        "p95 of latency, s": "latency_p95_s",
    }
    for name, key in rows.items():
        lines.append(f"{name:<26}" + "".join(f"{q[key]:>10,.2f}" for q in found["quarters"]))
    for role in sorted({role for q in found["quarters"] for role in q["own_mb_by_role"]}):
        values = [q["own_mb_by_role"].get(role, 0.0) for q in found["quarters"]]
        lines.append(f"{'  ' + role + ', MB':<26}" + "".join(f"{v:>10,.1f}" for v in values))
    return "\n".join(lines)
