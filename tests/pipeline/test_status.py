"""`newsalign status`: what it shows of runs, feeds, freshness, disk and the journal."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke
from fixture_store import run_row, write_dataset

from pipeline.feeds.state import FeedStore
from pipeline.feeds.survey import failing_first, summarise
from pipeline.journal import Journal
from pipeline.schedule.record import ScheduleRecord, write_record
from pipeline.store.layout import Layout
from pipeline.store.lock import find_holder, writer_lock
from pipeline.store.survey import survey_journal
from transforms.feed_state import FeedState
from transforms.records import Reject
from transforms.segments import write_segment

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def feed(name: str, **values: Any) -> FeedState:
    return replace(FeedState(f"https://{name}.example/feed", added_at=NOW), **values)


FEEDS = [
    feed("a", last_polled=NOW - HOUR, last_success=NOW - HOUR, next_due=NOW + HOUR),
    feed("b", last_polled=NOW - HOUR, last_success=NOW - 3 * HOUR, next_due=NOW - HOUR / 2),
    feed("c", last_polled=NOW - HOUR, last_reason="http_500", failures=0.25, next_due=NOW + HOUR),
    feed(
        "d",
        last_polled=NOW - HOUR,
        last_reason="http_404",
        failures=3.0,
        last_success=NOW - 99 * HOUR,
        next_due=NOW - HOUR,
    ),
    feed("e", last_polled=NOW - HOUR, last_reason="http_410", retired="gone"),
    feed("f"),
]


@pytest.fixture
def lived_in(store: Path, tmp_path: Path) -> Layout:
    """A store with feeds, items that wait, and a schedule that isn't running."""
    layout = Layout(tmp_path / "out")
    shutil.copytree(store, layout.root)
    FeedStore(f"sqlite:///{layout.feeds}").put(FEEDS)
    rejects = [Reject("read", "x", "d", f"o{n}", "", NOW) for n in range(3)]
    write_segment(layout.journal / "pending", rejects, NOW - HOUR)
    rows = [
        {
            **run_row(),
            "run_id": f"r{n}",
            "started_at": NOW - n * HOUR,
            "finished_at": NOW - n * HOUR,
        }
        for n in range(7)
    ]
    write_dataset(layout.root, "runs", rows)
    write_record(layout.schedule, record())
    return layout


def record(**values: Any) -> ScheduleRecord:
    return ScheduleRecord(
        pid=os.getpid(),
        host=socket.gethostname(),
        cadence="every 15m",
        period_s=900.0,
        limit_s=2_700.0,
        started_at=NOW - 9 * HOUR,
        first_started_at=NOW - 99 * HOUR,
        last_finished_at=NOW - HOUR,
        last_success_at=NOW - 2 * HOUR,
        **{"last_status": "failed", "last_error": "No space left", "failures": 4, **values},
    )


def status(invoke: Invoke, layout: Layout, *more: str) -> dict[str, Any]:
    done = invoke("status", "--output", layout.root, "--json", *more)
    assert (done.exit_code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_as_json(lived_in: Layout, invoke: Invoke) -> None:
    found = status(invoke, lived_in)
    assert [run["run_id"] for run in found["runs"]] == ["r0", "r1", "r2", "r3", "r4"]
    assert found["journal"]["items"] == 3
    assert found["journal"]["bytes"] > 0
    assert found["free_bytes"] > 0
    sizes = {one["name"]: one for one in found["datasets"]}
    files = list((lived_in.root / "articles").rglob("*.parquet"))
    assert sizes["articles"]["files"] == len(files)
    assert sizes["articles"]["bytes"] == sum(path.stat().st_size for path in files)
    newest = max(path.parent.name for path in files)
    assert f"date={sizes['articles']['newest_day']}" == newest
    assert sizes["rejects"]["files"] == 0
    feeds = found["feeds"]
    counts = {name: feeds[name] for name in ("known", "due", "failing", "retired", "unread")}
    assert counts == {"known": 6, "due": 3, "failing": 2, "retired": 1, "unread": 2}
    assert [one["reason"] for one in feeds["failing_feeds"]] == ["http_404", "http_500"]
    assert feeds["due_feeds"] == [FEEDS[1].url, FEEDS[3].url, FEEDS[5].url]
    assert (found["scheduling"], found["healthy"], found["writer"]) == (False, None, None)
    assert found["schedule"]["last_error"] == "No space left"


def test_beside_a_running_schedule_and_a_run(lived_in: Layout, invoke: Invoke) -> None:
    with writer_lock(lived_in.schedule_lock, "schedule"), writer_lock(lived_in.lock, "compact"):
        found = status(invoke, lived_in)
        shown = invoke("status", "--output", lived_in.root).stdout
    assert found["scheduling"] is True
    assert found["healthy"] is False
    assert "no run has succeeded for 2 h" in found["health"]
    assert (found["writer"]["purpose"], found["writer"]["pid"]) == ("compact", os.getpid())
    assert "  writing  compact (process " in shown
    assert " schedule  every 15m, running for 9 h " in shown
    # In a whole run of the suite many minutes pass between the import of NOW and this look.
    assert re.search(r" last run  failed, 4 in a row, \d+ min ago: No space left\n", shown)


def test_for_people(lived_in: Layout, invoke: Invoke) -> None:
    done = invoke("status", "--output", lived_in.root, "--runs", "2")
    assert (done.exit_code, done.stderr) == (0, "")
    text = done.stdout
    assert " schedule  every 15m, not running\n" in text
    assert "  waiting  3 in the journal (" in text
    assert "    feeds  6, 3 due, 2 failing, 1 gone, 2 never read, the median read 3 h ago\n" in text
    assert text.count("\n2") == 2, "two runs"
    assert "https://d.example/feed  http_404  99 h ago" in text


def test_a_store_that_is_new_or_isn_t_there(tmp_path: Path, invoke: Invoke) -> None:
    (tmp_path / "new").mkdir()
    assert "schedule  none has run here" in invoke("status", "--output", tmp_path / "new").stdout
    found = status(invoke, Layout(tmp_path / "new"))
    assert (found["schedule"], found["runs"], found["feeds"]["known"]) == (None, [], 0)
    done = invoke("status", "--output", tmp_path / "no")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_a_database_that_is_gone_costs_the_feeds_only(lived_in: Layout, invoke: Invoke) -> None:
    nowhere = "feeds.database='postgresql://u:secret@/d?host=/nowhere'"
    found = status(invoke, lived_in, "--set", nowhere)
    assert "u:***@" in found["feeds"]["error"]
    assert found["journal"]["items"] == 3


def test_feeds_polled_in_the_future_are_due_for_the_clock_was_set_back() -> None:
    ahead = feed("x", last_polled=NOW + HOUR, last_success=NOW + HOUR, next_due=NOW + 2 * HOUR)
    assert summarise([ahead], NOW).due == 1
    assert summarise([ahead], NOW + HOUR).due == 0
    assert failing_first([ahead]) == []


def test_the_holder_of_a_lock_is_seen_without_touching_it(tmp_path: Path) -> None:
    path = tmp_path / "out" / "_state" / "writer.lock"
    assert find_holder(path) is None
    with writer_lock(path, "run"):
        found = find_holder(path)
        assert found is not None
        assert (found["pid"], found["purpose"]) == (os.getpid(), "run")
    assert find_holder(path) is None, "though its text is still there"
    assert path.read_text()


def test_a_stream_that_runs_is_shown(lived_in: Layout, invoke: Invoke) -> None:
    def shown() -> tuple[Any, str]:
        done = invoke("status", "--output", str(lived_in.root), "--json")
        text = invoke("status", "--output", str(lived_in.root)).stdout
        return json.loads(done.stdout)["stream"], text

    with writer_lock(lived_in.stream_lock, "stream"):
        holder, text = shown()
        assert holder["pid"] == os.getpid()
        assert f"(process {os.getpid()} on " in text
    assert shown()[0] is None


def test_a_segment_that_is_committed_meanwhile_breaks_no_look(
    lived_in: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = Journal.pending
    looks: list[int] = []

    def moves(journal: Journal) -> Any:
        found = pending(journal)
        looks.append(1)
        if len(looks) == 1:
            Path(found[0].path).unlink()
        return found

    monkeypatch.setattr(Journal, "pending", moves)
    assert survey_journal(lived_in).items == 0
    assert len(looks) == 2
