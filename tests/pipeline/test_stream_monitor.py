"""A stream's health and metrics, from events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.feeds.survey import summarise
from pipeline.health import Health
from pipeline.metrics import Metrics
from pipeline.store.layout import Layout
from pipeline.stream.events import emit
from pipeline.stream.monitor import Monitor


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make(tmp_path: Path) -> tuple[Monitor, Metrics, Clock]:
    clock, metrics = Clock(), Metrics(Layout(tmp_path))
    return Monitor(load_config(None), metrics, clock), metrics, clock


def value(metrics: Metrics, series: str) -> float:
    for line in metrics.text().decode().splitlines():
        if line.startswith(series + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(series)


def test_silence_or_failures_for_three_periods_turn_it_red_and_a_window_green(
    tmp_path: Path,
) -> None:
    monitor, metrics, clock = make(tmp_path)
    assert monitor.health().ok
    clock.now += 299
    assert monitor.health().ok
    clock.now += 2
    monitor.observe({"event": "commit_failed", "error": "disk full"})
    assert not monitor.health().ok
    monitor.observe({"event": "window", "arrived": 0})
    assert monitor.health().ok
    assert value(metrics, 'newsalign_runs_total{status="failed"}') == 1
    # A backlog may take longer than three periods, batch by batch.
    clock.now += 301
    assert not monitor.health().ok
    monitor.observe(
        {"event": "batch_committed", "counts": {}, "analyse_seconds": 1.0, "commit_seconds": 0.1}
    )
    assert monitor.health().ok


def test_commits_and_polls_are_counted(tmp_path: Path) -> None:
    monitor, metrics, _ = make(tmp_path)
    assert b"newsalign_next_run" not in metrics.text()
    assert b"newsalign_run_in_progress" not in metrics.text()
    counts = {"new": 3, "copies": 1, "evidence": 5, "reject:empty_feed": 2}
    monitor.observe(
        {
            "event": "batch_committed",
            "counts": counts,
            "analyse_seconds": 1.0,
            "commit_seconds": 0.1,
        }
    )
    monitor.observe({"event": "committed", "took_s": 2.0, "counts": counts})
    polled = {"feeds_polled": 4, "feeds_not_modified": 2, "feeds_failed": 1}
    monitor.observe({"event": "polled", "counts": polled})
    for event in ("started", "arrived", "arrival_failed", "waiting", "restarting", "stopped"):
        monitor.observe({"event": event, "records": 3, "shard": 0, "error": "x"})
    assert value(metrics, 'newsalign_articles_total{result="new"}') == 3
    assert value(metrics, 'newsalign_rejects_total{reason="empty_feed"}') == 2
    assert value(metrics, 'newsalign_runs_total{status="done"}') == 1
    assert value(metrics, 'newsalign_feed_polls_total{answer="read"}') == 1
    assert value(metrics, 'newsalign_feed_polls_total{answer="not_modified"}') == 2


def test_windows_are_no_success_while_nothing_can_be_read(tmp_path: Path) -> None:
    monitor, _, clock = make(tmp_path)
    window = {"event": "window", "arrived": 0}

    def later() -> Health:
        clock.now += 301
        monitor.observe(window)
        return monitor.health()

    assert later().ok
    monitor.observe({"event": "arrival_failed", "shard": -2, "error": "no database"})
    found = later()
    assert not found.ok
    assert "no database" in found.reason
    monitor.observe({"event": "arrival_restored", "shard": -2})
    assert later().ok
    survey = {"event": "feeds_surveyed", "known": 3, "due": 0, "retired": 1, "unread": 0}
    survey |= dict.fromkeys(("median_success", "oldest_success", "overdue_since"))
    monitor.observe({**survey, "failing": 2})
    assert not later().ok
    # Files of a folder still come in.
    batch = {"event": "batch_committed", "counts": {"new": 1}}
    monitor.observe({**batch, "analyse_seconds": 1.0, "commit_seconds": 0.1})
    assert monitor.health().ok
    monitor.observe({**survey, "failing": 1})
    assert later().ok
    # A process that died takes its troubles with it.
    monitor.observe({"event": "arrival_failed", "shard": 0, "error": "x"})
    monitor.observe({"event": "started", "runner": "PrismRunner"})
    assert later().ok


def test_what_the_process_says_of_feeds_that_were_never_read_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor, metrics, _ = make(tmp_path)
    emit("feeds_surveyed", **summarise([], datetime(2026, 11, 20, tzinfo=UTC)).as_values())
    monitor.observe(json.loads(capsys.readouterr().out))
    assert value(metrics, 'newsalign_feeds{state="known"}') == 0
