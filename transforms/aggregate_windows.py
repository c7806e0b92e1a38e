"""Rebuilding the publication windows that a batch touches, from evidence and articles at rest.

Hours and days lie in the partition of their own date, ISO weeks in that of their Monday; so a
touched date rewrites its own partition and its Monday's, and a Monday's reads seven dates.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import apache_beam as beam

from transforms.aggregate import (
    AGGREGATES,
    Key,
    PairKey,
    aggregate_row,
    comention_columns,
    comention_keys,
    contributions,
    coverage_keys,
    monday,
)
from transforms.parquet_io import Row, read_rows
from transforms.partitions import Change, ClearAll, Columns, Place, Rows, Staged, staged_or_stored
from transforms.schemas import ARTICLES, REJECTS, STANCES
from transforms.settings import AggregateSettings
from transforms.write import StagePartitions

ROWS, WEEKS = "rows", "weeks"
Groups = dict[Key, list[Any]]
ARTICLE_COLUMNS = (
    "article_id",
    "story_id",
    "is_canonical",
    "published_at",
    "outlet",
    "feed_url",
    "language",
    "analysed",
    "story_articles",
    "story_actors",
    "story_rollups",
    "coding_version",
)
STANCE_COLUMNS = (
    "stance_id",
    "story_id",
    "published_at",
    "source_actor",
    "source_rollup",
    "target_actor",
    "target_rollup",
    "stance",
    "voice",
    "score",
    "confidence",
    "counted",
    "story_articles",
    "story_outlets",
    "coding_version",
)


@dataclass(frozen=True, slots=True)
class DayTask:
    """A date to read: whether its own hours and days are rewritten, and whether its week is."""

    day: str
    own: bool
    week: bool


@dataclass(frozen=True, slots=True)
class WeekPart:
    """What one date adds to its week; a dataclass, so that Beam encodes it as one thing."""

    groups: Groups


def plan_days(touched: Iterable[str]) -> list[DayTask]:
    """Return the dates to read so that every window of the touched dates can be rebuilt."""
    days = set(touched)
    rewritten = days | {monday(day) for day in days}
    read = set(rewritten)
    for day in rewritten:
        if day == monday(day):
            start = date.fromisoformat(day)
            read |= {(start + timedelta(days=offset)).isoformat() for offset in range(7)}
    return [
        DayTask(day, own=day in rewritten, week=monday(day) in rewritten) for day in sorted(read)
    ]


def read_day(
    task: DayTask,
    staged: Mapping[tuple[str, str], str],
    root: str,
    staging: str,
    settings: AggregateSettings,
) -> Iterator[Any]:
    """Yield what everything at rest on one date adds up to.

    Hours and the day are complete: they go to `ROWS` as (Place, Rows). What the date adds to its
    week goes to `WEEKS` as (Monday, [(key, values)]), since a week has seven dates.
    """
    granularities = [
        name for name in settings.granularities if (task.week if name == "week" else task.own)
    ]

    def rows(dataset: Any, columns: tuple[str, ...]) -> list[dict[str, Any]]:
        place = Place(dataset.name, task.day)
        path = staged_or_stored(Path(root), Path(staging), staged, place)
        return read_rows(dataset, path, columns)

    with _uncollected():
        articles = rows(ARTICLES, ARTICLE_COLUMNS)
        rejects = rows(REJECTS, ("reject_id", "at", "outlet", "feed_url"))
        whole: Groups = {}
        weekly: Groups = {}
        parts: tuple[Iterable[tuple[Key, Any]], ...] = (
            contributions(rows(STANCES, STANCE_COLUMNS), granularities, settings.mixed_dead_band),
            comention_keys(articles, granularities),
            coverage_keys(articles, rejects, granularities),
        )
        for key, value in chain.from_iterable(parts):
            groups = weekly if key.granularity == "week" else whole
            groups.setdefault(key, []).append(value)
        placed = list(placed_rows(task.day, whole.items()))
    for change in placed:
        yield beam.pvalue.TaggedOutput(ROWS, change)
    if weekly:
        yield beam.pvalue.TaggedOutput(WEEKS, (monday(task.day), WeekPart(weekly)))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: a day's hundreds of thousands of keys hold no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def placed_rows(
    day: str, groups: Iterable[tuple[Key, list[Any]]]
) -> Iterator[tuple[Place, Change]]:
    """Yield the rows of complete windows that start on `day`, one element a dataset."""
    made: dict[str, list[Row]] = {}
    pairs: list[tuple[PairKey, list[Any]]] = []
    for key, values in groups:
        if isinstance(key, PairKey):
            pairs.append((key, values))
        else:
            name, row = aggregate_row(key, values)
            made.setdefault(name, []).append(row)
    for name, rows in sorted(made.items()):
        yield Place(name, day), Rows(rows)
    if pairs:
        yield Place(AGGREGATES[PairKey][0], day), Columns(comention_columns(pairs))


def week_rows(
    group: tuple[str, Iterable[WeekPart]],
) -> Iterator[tuple[Place, Change]]:
    """Yield the rows of one week from what each of its dates adds."""
    day, parts = group
    groups: Groups = {}
    for part in parts:
        for key, values in part.groups.items():
            groups.setdefault(key, []).extend(values)
    yield from placed_rows(day, groups.items())


class AggregateWindows(beam.PTransform):
    """PCollection[Staged] (articles, stances, rejects) -> PCollection[Staged] of the aggregates."""

    def __init__(self, root: str, staging: str, settings: AggregateSettings) -> None:
        super().__init__()
        self._root = root
        self._staging = staging
        self._settings = settings

    def expand(self, staged: beam.PCollection[Staged]) -> beam.PCollection[Staged]:
        root, staging, settings = self._root, self._staging, self._settings
        lookup = beam.pvalue.AsDict(
            staged | "ByPlace" >> beam.Map(lambda s: ((s.place.dataset, s.place.day), s.path))
        )
        touched = (
            staged
            | "Day" >> beam.Map(lambda s: (0, s.place.day))
            | "Days" >> beam.GroupByKey()
            | "PlanDays" >> beam.FlatMap(lambda group: plan_days(group[1]))
        )
        cleared = touched | "Clear" >> beam.FlatMap(
            lambda task: (
                [(Place(name, task.day), ClearAll()) for name, _ in AGGREGATES.values()]
                if task.own
                else []
            )
        )
        read = (
            touched
            | "Spread" >> beam.Reshuffle()
            | "ReadDay"
            >> beam.FlatMap(read_day, lookup, root, staging, settings).with_outputs(ROWS, WEEKS)
        )
        weeks = (
            read[WEEKS] | "GroupByWeek" >> beam.GroupByKey() | "WeekRows" >> beam.FlatMap(week_rows)
        )
        return (
            (cleared, read[ROWS], weeks)
            | "Together" >> beam.Flatten()
            | "StageAggregates" >> StagePartitions(root, staging)
        )
