"""Aggregates of some days made anew without a Beam job, by the same functions that a job uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from transforms.aggregate_windows import plan_weeks, staged_paths
from transforms.count_windows import BatchFiles, count_dates
from transforms.partitions import Staged
from transforms.settings import AggregateSettings


def recount_days(
    root: Path,
    staging: Path,
    staged: Iterable[Staged],
    days: Iterable[str],
    settings: AggregateSettings,
    removed: Iterable[Path] = (),
) -> list[Staged]:
    """Stage every aggregate of the days and of their weeks, from what is staged, else stored.

    A Monday's rows hold its whole week. `removed` are stored files that go or are replaced.
    """
    files = BatchFiles(root, staging, staged_paths(staged), frozenset(removed))
    return [
        counted
        for task in plan_weeks(days, files.size)
        for counted in count_dates(task.own, task.read, files, settings, afresh=True)
    ]
