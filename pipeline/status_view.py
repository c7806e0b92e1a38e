"""`newsalign status` as text for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.feeds.survey import FeedsSummary, failing_first, summarise
from pipeline.formats import print_table, safe_text
from pipeline.schedule.record import ScheduleRecord, record_values
from pipeline.status import Status
from pipeline.store.survey import as_values

LABEL = 9
SHOWN_FEEDS = 10


def status_values(status: Status) -> dict[str, Any]:
    """Return everything as JSON values; times in UTC, sizes in bytes."""
    summary = summarise(status.feeds, status.now)
    due = [state.url for state in status.feeds if state.is_due(status.now)]
    record = status.schedule
    return {
        "at": status.now.isoformat(),
        "schedule": None if record is None else record_values(record),
        "scheduling": status.scheduling,
        "stream": status.stream,
        "healthy": None if status.health is None else status.health.ok,
        "health": None if status.health is None else status.health.reason,
        "writer": status.writer,
        "runs": [_run_values(row) for row in status.runs],
        "datasets": [as_values(one) for one in status.datasets],
        "journal": as_values(status.journal),
        "state_bytes": status.state_bytes,
        "free_bytes": status.free_bytes,
        "feeds": {
            **summary.as_values(),
            "error": status.feeds_error,
            "due_feeds": due,
            "failing_feeds": [
                {"url": s.url, "reason": s.last_reason, "last_success": _iso(s.last_success)}
                for s in failing_first(status.feeds)
            ],
        },
    }


def print_status(screen: Console, status: Status) -> None:
    """Print how things stand: the schedule, runs, datasets, feeds."""
    summary = summarise(status.feeds, status.now)

    def line(label: str, text: str, style: str = "") -> None:
        screen.print(
            Text.assemble((f"{label:>{LABEL}}  ", "bold"), (safe_text(text), style)),
            soft_wrap=True,
        )

    _print_stream(line, status)
    _print_schedule(line, status)
    if status.writer is not None:
        who = status.writer
        line("writing", f"{who.get('purpose')} (process {who.get('pid')} on {who.get('host')})")
    waiting = status.journal
    since = f", since {_ago(waiting.since, status.now)}" if waiting.since else ""
    size = f" ({_size(waiting.bytes)})" if waiting.bytes else ""
    line("waiting", f"{waiting.items:,} in the journal{size}{since}")
    data = sum(one.bytes for one in status.datasets)
    line(
        "disk",
        f"{_size(data)} of data, {_size(status.state_bytes)} of state,"
        f" {_size(status.free_bytes)} free",
    )
    line("feeds", status.feeds_error or _feeds_text(summary, status.now))
    _print_runs(screen, status.runs)
    _print_datasets(screen, status)
    _print_failing(screen, status)


def _print_stream(line: Callable[..., None], status: Status) -> None:
    who = status.stream
    if who is not None:
        since = _span(status.now - datetime.fromisoformat(who["since"]))
        line("stream", f"running for {since} (process {who.get('pid')} on {who.get('host')})")


def _print_schedule(line: Callable[..., None], status: Status) -> None:
    record = status.schedule
    if record is None:
        if status.stream is None:
            line("schedule", "none has run here")
        return
    if status.scheduling:
        since = f"running for {_span(status.now - record.started_at)}"
        line("schedule", f"{record.cadence}, {since} (process {record.pid} on {record.host})")
        line("next run", _next_text(record, status.now))
    else:
        line("schedule", f"{record.cadence}, not running", "yellow")
    if record.last_finished_at is not None:
        failures = f", {record.failures} in a row" if record.failures > 1 else ""
        error = f": {record.last_error}" if record.last_error else ""
        ended = f"{record.last_status}{failures}, {_ago(record.last_finished_at, status.now)}"
        line("last run", ended + error, "red" if record.last_status == "failed" else "")
    if status.health is not None:
        line("health", status.health.reason, "" if status.health.ok else "red")


def _next_text(record: ScheduleRecord, now: datetime) -> str:
    if record.last_status == "running" and record.last_started_at is not None:
        return f"under way for {_span(now - record.last_started_at)}"
    return "" if record.next_run_at is None else f"{record.next_run_at:%Y-%m-%d %H:%M:%S}"


def _feeds_text(summary: FeedsSummary, now: datetime) -> str:
    if not summary.known:
        return "none"
    parts = [f"{summary.known:,}", f"{summary.due:,} due", f"{summary.failing:,} failing"]
    if summary.retired:
        parts.append(f"{summary.retired:,} gone")
    if summary.unread:
        parts.append(f"{summary.unread:,} never read")
    if summary.median_success is not None:
        parts.append(f"the median read {_ago(summary.median_success, now)}")
    return ", ".join(parts)


def _print_runs(screen: Console, rows: Iterable[dict[str, Any]]) -> None:
    cells = []
    for row in rows:
        counts = row["counts"]
        finished = row["finished_at"]
        cells.append(
            [
                f"{row['started_at']:%Y-%m-%d %H:%M:%S}",
                "" if finished is None else _span(finished - row["started_at"]),
                row["command"],
                row["status"],
                counts.get("feeds_polled", 0),
                counts.get("feeds_failed", 0),
                counts.get("items", 0),
                counts.get("new", 0),
                counts.get("revised", 0),
                counts.get("rejects", 0),
            ]
        )
    if cells:
        screen.print()
        names = ["run", "took", "by", "status", "feeds", "failed", "read", "new", "revised"]
        print_table(screen, [*names, "rejects"], cells, [False] * 4 + [True] * 6)


def _print_datasets(screen: Console, status: Status) -> None:
    cells = [
        [
            one.name,
            one.newest_day or "",
            "" if one.written_at is None else _ago(one.written_at, status.now),
            one.files,
            _size(one.bytes),
        ]
        for one in status.datasets
        if one.files
    ]
    if cells:
        screen.print()
        names = ["dataset", "newest day", "written", "files", "size"]
        print_table(screen, names, cells, [False, False, False, True, True])


def _print_failing(screen: Console, status: Status) -> None:
    failing = failing_first(status.feeds)
    if not failing:
        return
    screen.print()
    cells = [
        [
            state.url,
            state.last_reason,
            "never" if state.last_success is None else _ago(state.last_success, status.now),
            "" if state.next_due is None else f"{state.next_due:%Y-%m-%d %H:%M}",
        ]
        for state in failing[:SHOWN_FEEDS]
    ]
    print_table(screen, ["failing feed", "reason", "last read", "next due"], cells, [False] * 4)
    if len(failing) > SHOWN_FEEDS:
        more = len(failing) - SHOWN_FEEDS
        screen.print(f"and {more:,} more: newsalign feeds list --failing", style="dim")


def _run_values(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _iso(value) if isinstance(value, datetime) else value
        for name, value in row.items()
        if name != "versions"
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _ago(moment: datetime, now: datetime) -> str:
    return f"{_span(now - moment)} ago" if moment <= now else "in the future"


def _span(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 360_000 else f"{seconds / 86_400:.0f} d"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1_000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1_000
    return f"{number:.1f} TB"
