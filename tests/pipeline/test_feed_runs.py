"""Whole runs over feeds: validators are used, and saved only once the items are safe."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from pipeline.feeds.opml import Subscription
from pipeline.feeds.registry import add_feeds
from pipeline.feeds.state import FeedStore, store_id
from pipeline.store.layout import Layout
from transforms.read_feeds import utc_now

pytestmark = pytest.mark.job

NEWSALIGN = Path(sys.executable).parent / "newsalign"
ACTORS = Path(__file__).parents[1] / "data" / "invented_actors.json"
ITEM = (
    "<item><title>Story {0}</title><link>/{0}</link><guid>{0}</guid><description>The harbour of "
    "town number {0} was closed on Monday after a storm.</description></item>"
)
FEED = (
    "<rss version='2.0'><channel><title>t</title>" + ITEM.format(1) + ITEM.format(2) + "</channel>"
    "</rss>"
)


@pytest.fixture
def asked(httpserver: HTTPServer) -> list[tuple[str, str | None]]:
    """Serve /feed with validators and /lost with 404; lists (path, If-None-Match)."""
    seen: list[tuple[str, str | None]] = []

    def answer(request: Request) -> Response:
        tag = request.headers.get("If-None-Match")
        seen.append((request.path, tag))
        if request.path == "/lost":
            return Response(status=404)
        return Response("" if tag else FEED, 304 if tag else 200, {"ETag": '"1"'})

    for path in ("/feed", "/lost"):
        httpserver.expect_request(path).respond_with_handler(answer)
    return seen


def command(output: Path, *more: str) -> list[str]:
    local = ["network.allow_private=true", "network.retries=0", f"actors.catalog=['{ACTORS}']"]
    flags = [flag for setting in local for flag in ("--set", setting)]
    return [str(NEWSALIGN), "run", "--output", str(output), "-w", "1", "--json", *flags, *more]


def run(output: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run(command(output, *more), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def articles(output: Path) -> list[str]:
    query = f"SELECT title FROM read_parquet('{output}/articles/**/*.parquet') ORDER BY title"
    return [title for (title,) in duckdb.sql(query).fetchall()]


@contextmanager
def unwritable(database: Path) -> Iterator[None]:
    """Hold the database's write lock, so that whoever wants to save waits."""
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.close()


def test_a_kill_between_journal_and_state_repeats_the_poll_and_loses_nothing(
    httpserver: HTTPServer, asked: list[tuple[str, str | None]], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    layout = Layout(output)
    feed, lost = httpserver.url_for("/feed"), httpserver.url_for("/lost")
    store = FeedStore(f"sqlite:///{layout.feeds}")
    store.adopt(store_id(layout.state))
    add_feeds(store, [Subscription(feed, tags=("x",)), Subscription(lost)], utc_now())
    with unwritable(layout.feeds):
        process = subprocess.Popen(command(output), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        deadline = time.monotonic() + 240
        while not list(layout.staging.glob("job-*/result.json")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert list((layout.journal / "pending").glob("*.jsonl")), "the items were durable by then"
    assert store.load([feed])[feed].etag is None, "and their validators weren't saved yet"

    report = run(output)
    assert articles(output) == ["Story 1", "Story 2"]
    assert [tag for path, tag in asked if path == "/feed"] == [None, None]
    counts = report["counts"]
    assert (counts["feeds_polled"], counts["feeds_failed"]) == (2, 1)
    state = store.load([feed])[feed]
    assert (state.etag, state.last_reason, state.tags) == ('"1"', None, ("x",))

    run(output)
    assert len(asked) == 4, "nothing is due"
    report = run(output, "--feed", feed, "--all-feeds")
    assert sorted(asked[4:]) == [("/feed", '"1"'), ("/lost", None)]
    counts = report["counts"]
    assert (counts["feeds_polled"], counts["feeds_not_modified"]) == (2, 1)
    assert articles(output) == ["Story 1", "Story 2"]


def test_a_database_that_can_t_be_had_is_said_before_anything_is_asked(
    httpserver: HTTPServer, asked: list[tuple[str, str | None]], tmp_path: Path
) -> None:
    nowhere = "feeds.database='postgresql://u:secret@/d?host=/nowhere'"
    done = subprocess.run(
        command(tmp_path / "out", "--feed", httpserver.url_for("/feed"), "--set", nowhere),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "error: feeds.database: postgresql+psycopg://u:***@/d" in done.stderr
    assert asked == []
