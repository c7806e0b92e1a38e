"""A stream's metrics and health, from the events that it prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config import Config
from pipeline.health import Health, judge
from pipeline.metrics import Metrics

PERIODS = 3
LEAST_PERIOD_S = 100.0  # a window is short, and a batch after a long stop may take minutes
# A window that committed, one batch of a backlog, or nothing to commit.
WELL = frozenset({"committed", "batch_committed", "window"})

# What a run says in the same words; a stream's other events have their own.
AS_OF_A_RUN = frozenset({"batch_committed", "feeds_surveyed"})


class Monitor:
    """Follows a stream; `observe` takes its events, `health` judges, other threads may ask."""

    def __init__(
        self, config: Config, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        metrics.leave_out_runs()
        self._clock = clock
        self._period_s = max(config.stream.window_s, LEAST_PERIOD_S)
        self._started = self._well = clock()
        self._succeeded = False
        self._failing: dict[int, str] = {}
        self._unreachable = False

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        kind = event["event"]
        self._take_arrival(kind, event)
        # Articles that came in from a folder are a success, whatever the feeds do.
        if kind == "batch_committed" or (kind in WELL and self._trouble() is None):
            self._well = self._clock()
            self._succeeded = True
            self._metrics.last_success.set(time.time())
        if kind == "committed":
            fields = {"seconds": event["took_s"], "counts": event["counts"]}
            self._metrics.observe("run_finished", fields)
        elif kind == "commit_failed":
            self._metrics.runs.labels("failed").inc()
        elif kind == "polled":
            self._metrics.count_polls(event["counts"])
        elif kind in AS_OF_A_RUN:
            self._metrics.observe(kind, event)

    def _take_arrival(self, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "arrival_failed":
            self._failing[event["shard"]] = event["error"]
        elif kind == "arrival_restored":
            self._failing.pop(event["shard"], None)
        elif kind == "started":
            self._failing.clear()
        elif kind == "feeds_surveyed":
            active = event["known"] - event["retired"]
            self._unreachable = 0 < active <= event["failing"]

    def _trouble(self) -> str | None:
        """Return why windows bring nothing, though they are committed."""
        if self._failing:
            return f"can't read: {next(iter(self._failing.values()))}"
        return "no feed can be read" if self._unreachable else None

    def health(self) -> Health:
        """Return whether what is due is read, and windows are committed, as they should be."""
        now = self._clock()
        found = judge(
            up_s=now - self._started,
            silent_s=now - self._well,
            succeeded=self._succeeded,
            period_s=self._period_s,
            limit_s=PERIODS * self._period_s,
        )
        trouble = None if found.ok else self._trouble()
        return Health(False, f"{found.reason}: {trouble}") if trouble else found
