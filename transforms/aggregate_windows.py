"""Rebuilding the publication windows that a batch touches, from evidence and articles at rest.

Hours and days lie in the partition of their own date, ISO weeks in that of their Monday; so a
touched date rewrites its own partition and its Monday's, and a Monday's reads seven dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import apache_beam as beam

from transforms.aggregate import monday
from transforms.count_windows import BatchFiles, count_dates
from transforms.partitions import Staged
from transforms.settings import AggregateSettings

# Files of the weeks that are counted together; some ten times that in memory.
TOGETHER_BYTES = 64_000_000

StagedPaths = dict[tuple[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class WeeksTask:
    """Weeks to count, by their Mondays, and those of their dates whose partitions are rewritten."""

    mondays: tuple[str, ...]
    own: tuple[str, ...]

    @property
    def read(self) -> list[str]:
        """Return every date of the weeks."""
        return [day for week in self.mondays for day in week_days(week)]


def plan_weeks(touched: Iterable[str], size_of: Callable[[str], int]) -> list[WeeksTask]:
    """Return what to count so that every window of the touched dates is rebuilt.

    `size_of` gives the bytes of a date's files: a few weeks at a time are counted together.
    """
    weeks: dict[str, set[str]] = {}
    for day in touched:
        weeks.setdefault(monday(day), {monday(day)}).add(day)
    tasks: list[WeeksTask] = []
    group: list[str] = []
    size = 0
    for week in sorted(weeks):
        bytes_ = sum(map(size_of, week_days(week)))
        if group and size + bytes_ > TOGETHER_BYTES:
            tasks.append(_task(group, weeks))
            group, size = [], 0
        group.append(week)
        size += bytes_
    return [*tasks, _task(group, weeks)] if group else tasks


def _task(group: Sequence[str], weeks: Mapping[str, set[str]]) -> WeeksTask:
    return WeeksTask(tuple(group), tuple(sorted(day for week in group for day in weeks[week])))


def week_days(week: str) -> list[str]:
    """Return the seven dates of the week that starts on a Monday."""
    start = date.fromisoformat(week)
    return [(start + timedelta(days=offset)).isoformat() for offset in range(7)]


def staged_paths(staged: Iterable[Staged]) -> StagedPaths:
    """Return the staged files of each (dataset, date)."""
    paths: StagedPaths = {}
    for one in staged:
        paths.setdefault((one.place.dataset, one.place.day), []).append(one.path)
    return paths


class AggregateWindows(beam.PTransform):
    """PCollection[Staged] (articles, stances, rejects) -> PCollection[Staged] of the aggregates.

    `parts_since` is as in `BatchFiles`.
    """

    def __init__(
        self, root: str, staging: str, settings: AggregateSettings, parts_since: str = ""
    ) -> None:
        super().__init__()
        self._root = root
        self._staging = staging
        self._settings = settings
        self._parts_since = parts_since

    def expand(self, staged: beam.PCollection[Staged]) -> beam.PCollection[Staged]:
        root, staging, settings = Path(self._root), Path(self._staging), self._settings
        since = self._parts_since

        def plan(group: tuple[int, Iterable[Staged]]) -> Iterator[tuple[WeeksTask, StagedPaths]]:
            paths = staged_paths(group[1])
            files = BatchFiles(root, staging, paths)
            for task in plan_weeks({day for _, day in paths}, files.size):
                read = {*task.read}
                yield task, {place: some for place, some in paths.items() if place[1] in read}

        def count(planned: tuple[WeeksTask, StagedPaths]) -> Iterator[Staged]:
            task, paths = planned
            files = BatchFiles(root, staging, paths, parts_since=since)
            yield from count_dates(task.own, task.read, files, settings)

        return (
            staged
            | "ToOne" >> beam.Map(lambda one: (0, one))
            | "Touched" >> beam.GroupByKey()
            | "PlanWeeks" >> beam.FlatMap(plan)
            | "Spread" >> beam.Reshuffle()
            | "CountWeeks" >> beam.FlatMap(count)
        )
