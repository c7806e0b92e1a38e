"""Aggregates of some days made anew without a Beam job, by the same functions that a job uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from transforms.aggregate import AGGREGATES
from transforms.aggregate_windows import ROWS, WeekPart, plan_days, read_day, week_rows
from transforms.partitions import Change, ClearAll, Place, Staged, stage
from transforms.settings import AggregateSettings


def recount_days(
    root: Path,
    staging: Path,
    staged: Mapping[tuple[str, str], str],
    days: Iterable[str],
    settings: AggregateSettings,
) -> list[Staged]:
    """Stage every aggregate of the days and of their weeks, from what is staged, else stored.

    `staged` maps (dataset, day) to a path below `staging`. A Monday's rows hold its whole week.
    """
    changes: dict[Place, list[Change]] = defaultdict(list)
    weeks: dict[str, list[WeekPart]] = defaultdict(list)
    for task in plan_days(days):
        if task.own:
            for name, _ in AGGREGATES.values():
                changes[Place(name, task.day)].append(ClearAll())
        for output in read_day(task, staged, str(root), str(staging), settings):
            if output.tag == ROWS:
                place, rows = output.value
                changes[place].append(rows)
            else:
                week, part = output.value
                weeks[week].append(part)
    for group in weeks.items():
        for place, rows in week_rows(group):
            changes[place].append(rows)
    ordered = sorted(changes, key=lambda place: (place.dataset, place.day))
    return [stage(root, staging, place, changes[place]) for place in ordered]
