"""How a store and its feeds stand, gathered for `newsalign status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.health import Health, judge
from pipeline.schedule.record import ScheduleRecord, read_record
from pipeline.store.layout import Layout
from pipeline.store.lock import find_holder
from pipeline.store.survey import (
    DatasetSize,
    Waiting,
    folder_bytes,
    free_bytes,
    survey_datasets,
    survey_journal,
)
from transforms.feed_state import FeedState


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that `newsalign status` shows.

    `schedule` is what the last schedule wrote down, whether it still runs or not (`scheduling`).
    `stream` is what the stream that runs says of itself, as `writer` does.
    `writer` is who is writing to the store now. `feeds_error` says why feeds couldn't be read.
    """

    now: datetime
    schedule: ScheduleRecord | None
    scheduling: bool
    stream: dict[str, Any] | None
    health: Health | None
    writer: dict[str, Any] | None
    runs: list[dict[str, Any]]
    datasets: list[DatasetSize]
    journal: Waiting
    state_bytes: int
    free_bytes: int
    feeds: list[FeedState]
    feeds_error: str | None


def gather(config: Config, layout: Layout, now: datetime, most_runs: int) -> Status:
    """Return how things stand at `now`; reads and never writes or waits for a lock."""
    from transforms.schemas import DATASETS

    record = read_record(layout.schedule)
    scheduling = find_holder(layout.schedule_lock) is not None
    feeds, feeds_error = _feeds(config, layout)
    return Status(
        now=now,
        schedule=record,
        scheduling=scheduling,
        stream=find_holder(layout.stream_lock),
        health=_health(record, now) if record is not None and scheduling else None,
        writer=find_holder(layout.lock),
        runs=last_runs(layout.root, most_runs),
        datasets=survey_datasets(layout.root, DATASETS),
        journal=survey_journal(layout),
        state_bytes=folder_bytes(layout.state),
        free_bytes=free_bytes(layout.root),
        feeds=feeds,
        feeds_error=feeds_error,
    )


def last_runs(root: Path, most: int) -> list[dict[str, Any]]:
    """Return the last runs' rows, the newest first, from as few days as hold them."""
    from transforms.parquet_io import read_rows
    from transforms.schemas import RUNS

    rows: list[dict[str, Any]] = []
    for path in sorted((root / RUNS.name).glob("date=*/part-*.parquet"), reverse=True):
        rows += read_rows(RUNS, path)
        if len(rows) >= most:
            break
    rows.sort(key=lambda row: (row["started_at"], row["run_id"]), reverse=True)
    return [{**row, "counts": dict(row["counts"] or {})} for row in rows[:most]]


def _health(record: ScheduleRecord, now: datetime) -> Health:
    """Judge from what is written down, as the schedule itself does by its own clock."""
    since = record.last_success_at or record.first_started_at
    return judge(
        up_s=(now - record.started_at).total_seconds(),
        silent_s=(now - since).total_seconds(),
        succeeded=record.last_success_at is not None,
        period_s=record.period_s,
        limit_s=record.limit_s,
    )


def _feeds(config: Config, layout: Layout) -> tuple[list[FeedState], str | None]:
    """Return what is known of feeds, or why it can't be had."""
    from pipeline.config import ConfigError
    from pipeline.feeds.place import FeedsError, database_url, may_hold_feeds
    from pipeline.run import feed_urls

    try:
        named = feed_urls(config)
        if not may_hold_feeds(config.feeds, layout):
            return [FeedState(url) for url in named], None
        from pipeline.feeds.state import FeedStore
        from pipeline.feeds.survey import all_feeds

        return all_feeds(FeedStore(database_url(config.feeds, layout)), named), None
    except (ConfigError, FeedsError) as error:
        return [], str(error)
