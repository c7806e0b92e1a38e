"""Rebuilding the publication windows that a batch touches, from evidence and articles at rest.

Hours and days lie in the partition of their own date, ISO weeks in that of their Monday; so a
touched date rewrites its own partition and its Monday's, and a Monday's reads seven dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam

from transforms.aggregate import (
    AGGREGATES,
    aggregate_row,
    comention_keys,
    contributions,
    coverage_keys,
    pack_key,
)
from transforms.parquet_io import read_rows
from transforms.partitions import Change, ClearAll, Place, Staged, staged_or_stored
from transforms.schemas import ARTICLES, REJECTS, STANCES
from transforms.settings import AggregateSettings
from transforms.write import StagePartitions

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


def monday(day: str) -> str:
    """Return the Monday of a date's ISO week."""
    value = date.fromisoformat(day)
    return (value - timedelta(days=value.weekday())).isoformat()


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
) -> Iterator[tuple[Any, Any]]:
    """Yield (window key, contribution) for everything at rest on one date."""
    granularities = [
        name for name in settings.granularities if (task.week if name == "week" else task.own)
    ]

    def rows(dataset: Any, columns: tuple[str, ...]) -> list[dict[str, Any]]:
        place = Place(dataset.name, task.day)
        path = staged_or_stored(Path(root), Path(staging), staged, place)
        return read_rows(dataset, path, columns)

    yield from contributions(rows(STANCES, STANCE_COLUMNS), granularities, settings.mixed_dead_band)
    articles = rows(ARTICLES, ARTICLE_COLUMNS)
    yield from comention_keys(articles, granularities)
    rejects = rows(REJECTS, ("reject_id", "at", "outlet", "feed_url"))
    yield from coverage_keys(articles, rejects, granularities)


def placed_row(group: tuple[tuple[str, ...], Iterable[Any]]) -> tuple[Place, Change]:
    """Return the row of one window key and the partition that it belongs to."""
    name, row = aggregate_row(*group)
    return Place(name, row["window_start"].date().isoformat()), row


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
                [(Place(name, task.day), ClearAll()) for name in AGGREGATES] if task.own else []
            )
        )
        rows = (
            touched
            | "Spread" >> beam.Reshuffle()
            | "ReadDay" >> beam.FlatMap(read_day, lookup, root, staging, settings)
            | "Key" >> beam.Map(lambda pair: (pack_key(pair[0]), pair[1]))
            | "GroupByWindow" >> beam.GroupByKey()
            | "Row" >> beam.Map(placed_row)
        )
        return (
            (cleared, rows)
            | "Together" >> beam.Flatten()
            | "StageAggregates" >> StagePartitions(root, staging)
        )
