"""A schedule through a day on which everything breaks: each time a clear error, nothing lost.

One process lives through all of it: the database gone, the disk full, the output read-only, the
network down. (Clocks that are set are in `test_cadence.py`, kills in `tests/soak`.)
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from postgres_server import PostgresServer
from pytest_httpserver import HTTPServer
from small_disk import Disk
from test_feed_runs import ITEM

from pipeline.feeds.opml import Subscription
from pipeline.feeds.registry import add_feeds
from pipeline.feeds.state import FeedStore, store_id
from pipeline.store.layout import Layout
from transforms.read_feeds import utc_now

pytestmark = pytest.mark.job

NEWSALIGN = Path(sys.executable).parent / "newsalign"
ACTORS = Path(__file__).parents[1] / "data" / "invented_actors.json"
WAIT_S = 240


class Running:
    """A schedule as a process; `wait` takes its log lines until one is of an event."""

    def __init__(self, *flags: str) -> None:
        self.process = subprocess.Popen(
            [str(NEWSALIGN), "schedule", *flags, "--log-format", "json"],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait(self, event: str, part: str = "") -> dict[str, Any]:
        """Return the next event of this name whose error holds `part`."""
        seen = []
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            found: dict[str, Any] = json.loads(line)
            seen.append(line)
            if found.get("event") == event and part in found.get("error", ""):
                return found
        raise AssertionError("".join(seen))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk")
    try:
        yield disk
    finally:
        disk.remove()


def feed(*numbers: int) -> str:
    items = "".join(ITEM.format(number) for number in numbers)
    return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"


def serve(port: int, body: str) -> HTTPServer:
    server = HTTPServer(host="127.0.0.1", port=port)
    server.expect_request("/feed").respond_with_data(body, content_type="application/rss+xml")
    server.start()
    return server


def test_a_schedule_outlives_whatever_breaks_and_loses_nothing(
    disk: Disk, postgres_server: PostgresServer
) -> None:
    database = postgres_server
    layout = Layout(disk.folder / "out")
    web = serve(0, feed(1))
    port = web.port
    feeds = FeedStore(database.url)
    feeds.adopt(store_id(layout.state))
    add_feeds(feeds, [Subscription(web.url_for("/feed"))], utc_now())
    settings = [
        *("network.allow_private=true", "network.retries=0", f"actors.catalog=['{ACTORS}']"),
        *("feeds.read=all", f"feeds.database={database.url}", "schedule.retry_s=1"),
    ]
    flags = [flag for setting in settings for flag in ("--set", setting)]
    running = Running(*flags, "--output", str(layout.root), "--every", "1s", "-w", "1")
    try:
        assert running.wait("run_finished")["counts"]["new"] == 1
        database.stop()
        assert "connection" in running.wait("run_failed", "feeds.database: ")["error"]
        disk.fill()
        database.start()
        assert str(disk.folder) in running.wait("run_failed", "No space left")["error"]
        disk.seal()
        assert str(disk.folder) in running.wait("run_failed", "Read-only file system")["error"]
        web.stop()
        disk.unseal()
        disk.free()
        unreachable = running.wait("feeds_unreachable")
        assert (unreachable["level"], unreachable["reasons"]) == (
            "warning",
            {"connection_error": 1},
        )
        web = serve(port, feed(1, 2))
        while running.wait("run_finished")["counts"].get("new") != 1:
            pass
        assert running.stop() == 0
    finally:
        running.process.kill()
        running.process.wait()
        web.stop()
    query = f"SELECT title FROM read_parquet('{layout.root}/articles/**/*.parquet') ORDER BY title"
    assert duckdb.sql(query).fetchall() == [("Story 1",), ("Story 2",)]
    assert not list((layout.journal / "pending").glob("*.jsonl"))
