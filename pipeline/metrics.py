"""What a long-lived process counts, as Prometheus metrics.

Fed with the events of runs (`pipeline.logs`); gauges that change between runs are worked out when
they are asked for. Labels have few values, by design: feeds are summed up, `newsalign status`
names them.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from pipeline.health import Health
from pipeline.store.layout import Layout
from pipeline.store.survey import free_bytes, survey_journal

# Seconds: from a poll that brings nothing to a backlog of hours.
BUCKETS = (1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1_800, 3_600, 10_800)
ARTICLES = ("new", "revised", "noted", "unchanged", "copies")
ENDINGS = {"run_finished": "done", "run_failed": "failed", "run_stopped": "stopped"}
FEED_STATES = ("known", "due", "failing", "retired", "unread")


class Metrics:
    """The metrics of one process; `observe` takes events, `text` is what Prometheus reads."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._waiting = (0, 0)
        self._lag: dict[str, datetime | None] = {}
        # They would be a second series for each counter, which nothing here needs.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Gauge("newsalign_build_info", "The version.", ["version"], registry=registry)
        with contextlib.suppress(PackageNotFoundError):
            build.labels(version("newsalign")).set(1)
        self.articles = Counter(
            "newsalign_articles",
            "Articles read, by what they were.",
            ["result"],
            registry=registry,
        )
        self.evidence = Counter("newsalign_stances", "Stances read.", registry=registry)
        self.rejects = Counter(
            "newsalign_rejects",
            "Inputs that could not be used, by reason.",
            ["reason"],
            registry=registry,
        )
        self.polls = Counter(
            "newsalign_feed_polls", "Feeds asked, by answer.", ["answer"], registry=registry
        )
        self.runs = Counter(
            "newsalign_runs", "Runs that ended, by how.", ["status"], registry=registry
        )
        self.run_seconds = Histogram(
            "newsalign_run_duration_seconds",
            "How long runs took.",
            buckets=BUCKETS,
            registry=registry,
        )
        self.step_seconds = Histogram(
            "newsalign_step_duration_seconds",
            "How long a run's steps took: arrival, and per batch analysis and commit.",
            ["step"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.running = Gauge(
            "newsalign_run_in_progress", "1 while a run is under way.", registry=registry
        )
        self.last_success = Gauge(
            "newsalign_last_success_timestamp_seconds",
            "When a run last succeeded; 0: never.",
            registry=registry,
        )
        self.next_run = Gauge(
            "newsalign_next_run_timestamp_seconds", "When the next run starts.", registry=registry
        )
        self.healthy = Gauge(
            "newsalign_healthy",
            "0 when no run has succeeded for three periods.",
            registry=registry,
        )
        self.feeds = Gauge(
            "newsalign_feeds",
            "Feeds by standing; a failing feed may be due too.",
            ["state"],
            registry=registry,
        )
        self.lag = Gauge(
            "newsalign_feed_lag_seconds",
            "Since a feed was last read: the median feed, and the one longest ago.",
            ["stat"],
            registry=registry,
        )
        self.overdue = Gauge(
            "newsalign_feed_overdue_seconds",
            "How long the feed that waits longest has been due.",
            registry=registry,
        )
        waiting = Gauge(
            "newsalign_journal_waiting_items",
            "Items that arrived and aren't committed.",
            registry=registry,
        )
        waiting_bytes = Gauge(
            "newsalign_journal_waiting_bytes",
            "Bytes of the journal segments that hold them.",
            registry=registry,
        )
        free = Gauge(
            "newsalign_store_free_bytes", "Bytes left where the store lies.", registry=registry
        )
        waiting.set_function(lambda: self._journal()[0])
        waiting_bytes.set_function(lambda: self._journal()[1])
        free.set_function(self._free)
        self._make_known()

    def observe(self, event: str, fields: Mapping[str, Any]) -> None:
        """Count an event; those that say nothing countable change nothing."""
        if event == "arrived":
            self.step_seconds.labels("arrival").observe(fields["seconds"])
        elif event == "batch_committed":
            self.step_seconds.labels("analysis").observe(fields["analyse_seconds"])
            self.step_seconds.labels("commit").observe(fields["commit_seconds"])
            self._count_batch(fields["counts"])
        elif event == "feeds_surveyed":
            self._take_survey(fields)
        elif event in ENDINGS:
            self.runs.labels(ENDINGS[event]).inc()
            self.run_seconds.observe(fields["seconds"])
            if event == "run_finished":
                self.count_polls(fields["counts"])

    def leave_out_runs(self) -> None:
        """Show nothing of when runs begin: in a stream there are none to wait for or to follow."""
        self._registry.unregister(self.running)
        self._registry.unregister(self.next_run)

    def show_health(self, health: Health) -> None:
        """Take over a judgement."""
        self.healthy.set(1 if health.ok else 0)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        now = time.time()
        for name, moment in self._lag.items():
            gauge = self.overdue if name == "overdue" else self.lag.labels(name)
            gauge.set(max(0.0, now - moment.timestamp()) if moment else 0.0)
        return generate_latest(self._registry)

    def _make_known(self) -> None:
        """Make what is known to come exist with 0, so that rates have a start."""
        for result in ARTICLES:
            self.articles.labels(result)
        for status in ENDINGS.values():
            self.runs.labels(status)
        for answer in ("read", "not_modified", "failed"):
            self.polls.labels(answer)

    def _count_batch(self, counts: Mapping[str, int]) -> None:
        for result in ARTICLES:
            self.articles.labels(result).inc(counts.get(result, 0))
        self.evidence.inc(counts.get("evidence", 0))
        for name, number in counts.items():
            if name.startswith("reject:"):
                self.rejects.labels(name.removeprefix("reject:")).inc(number)

    def count_polls(self, counts: Mapping[str, int]) -> None:
        """Count feeds asked, as a run reports them."""
        failed, same = counts.get("feeds_failed", 0), counts.get("feeds_not_modified", 0)
        self.polls.labels("failed").inc(failed)
        self.polls.labels("not_modified").inc(same)
        self.polls.labels("read").inc(max(0, counts.get("feeds_polled", 0) - failed - same))

    def _take_survey(self, fields: Mapping[str, Any]) -> None:
        for state in FEED_STATES:
            self.feeds.labels(state).set(fields[state])
        names = {"median": "median_success", "oldest": "oldest_success", "overdue": "overdue_since"}
        self._lag = {
            label: datetime.fromisoformat(fields[name]) if fields[name] else None
            for label, name in names.items()
        }

    def _journal(self) -> tuple[int, int]:
        # What can't be looked up keeps its last value, for a 0 would say that nothing waits.
        with contextlib.suppress(OSError, ValueError):
            waiting = survey_journal(self._layout)
            self._waiting = waiting.items, waiting.bytes
        return self._waiting

    def _free(self) -> float:
        try:
            return free_bytes(self._layout.root)
        except OSError:  # the store's folder is gone
            return math.nan
