"""Metrics, health and the small server that shows them."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.health import Health, judge, look
from pipeline.metrics import Metrics
from pipeline.metrics_server import ListenError, MetricsServer, parse_address
from pipeline.store.layout import Layout
from transforms.records import Reject
from transforms.segments import write_segment

PERIOD = 900.0


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "out")
    found.state.mkdir(parents=True)
    return found


@pytest.mark.parametrize(
    ("up", "silent", "ok"),
    [
        (0, 0, True),
        (10, 10, True),
        (2_700, 2_700, True),
        (2_701, 2_701, False),
        (100, 86_400, True),  # just started after a day off
        (899, 86_400, True),
        (901, 86_400, False),
        (1e7, 60, True),
    ],
)
def test_red_after_three_periods_without_a_success(up: float, silent: float, ok: bool) -> None:
    found = judge(up_s=up, silent_s=silent, succeeded=True, period_s=PERIOD, limit_s=3 * PERIOD)
    assert found.ok is ok
    assert found.reason


def test_events_become_metrics(layout: Layout) -> None:
    metrics = Metrics(layout)
    before = values(metrics)
    assert before["newsalign_articles_total", "new"] == 0, "so that a rate has a start"
    for _ in range(2):
        metrics.observe("arrived", {"run_id": "r", "seconds": 3.0})
        counts = {"new": 3, "copies": 1, "evidence": 5, "reject:no_text": 2, "rejects": 2}
        times = {"analyse_seconds": 30.0, "commit_seconds": 0.2}
        metrics.observe("batch_committed", {"counts": counts, **times})
    polls = {"feeds_polled": 10, "feeds_not_modified": 6, "feeds_failed": 1}
    metrics.observe("run_finished", {"counts": polls, "seconds": 40.0})
    metrics.observe("run_failed", {"error": "x", "seconds": 1.0})
    metrics.observe("something_new", {})
    found = values(metrics)
    assert found["newsalign_articles_total", "new"] == 6
    assert found["newsalign_articles_total", "copies"] == 2
    assert found["newsalign_stances_total",] == 10
    assert found["newsalign_rejects_total", "no_text"] == 4
    assert ("newsalign_rejects_total", "rejects") not in found
    answers = ("read", "not_modified", "failed")
    assert [found["newsalign_feed_polls_total", answer] for answer in answers] == [3, 6, 1]
    assert found["newsalign_runs_total", "done"] == found["newsalign_runs_total", "failed"] == 1
    assert found["newsalign_run_duration_seconds_sum",] == 41
    assert found["newsalign_step_duration_seconds_sum", "analysis"] == 60
    assert found["newsalign_step_duration_seconds_count", "arrival"] == 2
    assert found["newsalign_store_free_bytes",] > 0


def test_feeds_grow_older_between_runs(layout: Layout) -> None:
    metrics = Metrics(layout)
    now = datetime.now(UTC)
    states = {"known": 5, "due": 1, "failing": 2, "retired": 0, "unread": 1}
    survey = {
        **states,
        "median_success": (now - timedelta(hours=1)).isoformat(),
        "oldest_success": (now - timedelta(hours=9)).isoformat(),
        "overdue_since": None,
    }
    metrics.observe("feeds_surveyed", survey)
    found = values(metrics)
    assert {name: found["newsalign_feeds", name] for name in states} == states
    assert found["newsalign_feed_lag_seconds", "median"] == pytest.approx(3_600, abs=60)
    assert found["newsalign_feed_lag_seconds", "oldest"] == pytest.approx(32_400, abs=60)
    assert found["newsalign_feed_overdue_seconds",] == 0


def test_the_queue_is_what_waits_in_the_journal(layout: Layout) -> None:
    metrics = Metrics(layout)
    assert values(metrics)["newsalign_journal_waiting_items",] == 0
    now = datetime.now(UTC)
    rejects = [Reject("read", "x", "d", f"o{n}", "", now) for n in range(3)]
    path = write_segment(layout.journal / "pending", rejects, now)
    assert path is not None
    found = values(metrics)
    assert found["newsalign_journal_waiting_items",] == 3
    assert found["newsalign_journal_waiting_bytes",] == path.stat().st_size


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_server(layout: Layout) -> None:
    now = [Health(True, "well")]
    with MetricsServer("0", Metrics(layout), lambda: now[0]) as server:
        base = f"http://127.0.0.1:{server.port}"
        assert get(f"{base}/health") == (200, "well\n")
        assert look(f"{base}/health") == Health(True, "well\n")
        assert "newsalign_healthy 1.0" in get(f"{base}/metrics?x=1")[1]
        now[0] = Health(False, "no run has succeeded for 50 min")
        assert get(f"{base}/health") == (503, "no run has succeeded for 50 min\n")
        assert "newsalign_healthy 0.0" in get(f"{base}/metrics")[1]
        assert get(f"{base}/live")[0] == 200, "else it would be restarted for what others did"
        assert get(f"{base}/etc/passwd")[0] == 404
        head = urllib.request.Request(f"{base}/live", method="HEAD")
        with urllib.request.urlopen(head, timeout=10) as answer:
            assert (answer.status, answer.read()) == (200, b"")
        with socket.create_connection(("127.0.0.1", server.port)):  # says nothing, and harms nobody
            assert get(f"{base}/live")[0] == 200
        with pytest.raises(ListenError, match="in use"):
            MetricsServer(f"127.0.0.1:{server.port}", Metrics(layout), lambda: now[0])
        look_from_outside = [sys.executable, "-m", "pipeline.health", f"{base}/health"]
        done = subprocess.run(look_from_outside, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "no run has succeeded for 50 min\n")
    assert not look(f"{base}/health").ok


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::]:80", ("::", 80)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x", "70000", "host:", "-1", "1.5", "٣"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ListenError):
        parse_address(text)


def test_a_scrape_outlives_the_store_and_keeps_what_waited(layout: Layout) -> None:
    metrics = Metrics(layout)
    pending = layout.journal / "pending"
    rejects = [Reject("read", "x", "d", f"o{n}", "", datetime.now(UTC)) for n in range(3)]
    write_segment(pending, rejects, datetime.now(UTC))
    assert values(metrics)["newsalign_journal_waiting_items",] == 3
    shutil.rmtree(layout.root)
    found = values(metrics)
    assert math.isnan(found["newsalign_store_free_bytes",])


def test_a_journal_that_moves_while_it_is_looked_at_keeps_its_last_count(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics(layout)
    now = datetime.now(UTC)
    write_segment(layout.journal / "pending", [Reject("read", "x", "d", "o", "", now)], now)
    assert values(metrics)["newsalign_journal_waiting_items",] == 1

    def moved(_layout: Layout) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("pipeline.metrics.survey_journal", moved)
    assert values(metrics)["newsalign_journal_waiting_items",] == 1
