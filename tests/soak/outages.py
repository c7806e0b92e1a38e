"""Outages under a schedule and a stream: `python tests/soak/outages.py`.

Both follow one feed, each with a PostgreSQL server for its feeds and a small disk for its store.
The databases go for SOAK_DATABASE_S seconds (60), the network for SOAK_NETWORK_S (600); the disks
are full and then read-only for SOAK_DISK_S (30). In each outage both must say what is wrong; after
it both must go on by themselves, and what the feed showed during it must come in. Exits with 1
where that isn't so, and says how long it took. Needs the rights to mount, and PostgreSQL.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
from pytest_httpserver import HTTPServer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from postgres_server import PostgresServer, make_server  # noqa: E402
from small_disk import Disk  # noqa: E402

NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
ACTORS = HERE.parent / "data" / "invented_actors.json"
# A feed that failed for ten minutes is asked again after twenty at most; then comes the batch.
RECOVERY_S = 300.0
ITEM = (
    "<item><title>Story {0}</title><link>https://outages.example/{0}</link><guid>{0}</guid>"
    "<description>The harbour of town number {0} was closed on Monday after a storm."
    "</description></item>"
)
FEED_PATH = "/feed"


class Writer:
    """One command that runs through everything, with its disk and its database."""

    def __init__(self, command: str, flags: list[str], web: str, folder: Path) -> None:
        self.name = command
        self.disk = Disk(folder / command)
        self.database: PostgresServer = make_server()
        self.database.start()
        self.store = self.disk.folder / "out"
        self.said: list[str] = []
        settings = [
            *("network.allow_private=true", "network.retries=0", "feeds.interval_s=1"),
            *("feeds.max_interval_s=60", f"actors.catalog=['{ACTORS}']"),
            f"feeds.database={self.database.url}",
        ]
        words = [word for setting in settings for word in ("--set", setting)]
        self._process = subprocess.Popen(
            [NEWSALIGN, command, "--feed", web, *flags, *words, "--output", str(self.store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.said.extend(self._process.stdout)

    def says(self, since: int, part: str) -> bool:
        """Say whether it complained of `part` since its line number `since`."""
        return any(part in line and _is_complaint(line) for line in self.said[since:])

    def titles(self) -> set[str]:
        """Return the titles of the articles that it has stored."""
        if not any((self.store / "articles").glob("*/*.parquet")):
            return set()
        query = f"SELECT title FROM read_parquet('{self.store}/articles/*/*.parquet')"
        rows = duckdb.sql(query).fetchall()
        return {title for (title,) in rows} if len(set(rows)) == len(rows) else {"doubled"}

    def stop(self) -> int:
        """Stop it as a service manager does."""
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        """Leave nothing behind."""
        self._process.kill()
        self._process.wait()
        self.database.remove()
        self.disk.remove()


def _is_complaint(line: str) -> bool:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return False
    polls = event.get("counts", {}).get("feeds_failed", 0)
    return bool(event.get("error") or event.get("reasons") or polls)


class Web:
    """A feed on a port of its own that can go and come back."""

    def __init__(self) -> None:
        self.shown = 1
        self._server = self._serve(0)
        self.url = self._server.url_for(FEED_PATH)

    def show(self, number: int) -> None:
        """Show the first so many items, now or when it is back."""
        self.shown = number
        if self._server.is_running():
            self._server.clear()
            self._answer(self._server)

    def down(self) -> None:
        """Refuse all connections."""
        self._server.stop()

    def up(self) -> None:
        """Answer again."""
        self._server = self._serve(self._server.port)

    def _serve(self, port: int) -> HTTPServer:
        server = HTTPServer(host="127.0.0.1", port=port)
        self._answer(server)
        server.start()
        return server

    def _answer(self, server: HTTPServer) -> None:
        items = "".join(ITEM.format(number) for number in range(1, self.shown + 1))
        body = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"
        server.expect_request(FEED_PATH).respond_with_data(body, content_type="application/rss+xml")


@contextmanager
def databases_gone(writers: list[Writer]) -> Iterator[None]:
    for writer in writers:
        writer.database.stop()
    yield
    for writer in writers:
        writer.database.start()


@contextmanager
def network_down(web: Web) -> Iterator[None]:
    web.down()
    yield
    web.up()


@contextmanager
def disks_full(writers: list[Writer]) -> Iterator[None]:
    for writer in writers:
        writer.disk.fill()
    yield
    for writer in writers:
        writer.disk.free()


@contextmanager
def disks_read_only(writers: list[Writer]) -> Iterator[None]:
    for writer in writers:
        writer.disk.seal()
    yield
    for writer in writers:
        writer.disk.unseal()


def wait_for(done: Callable[[], bool], limit_s: float) -> float | None:
    """Return after how many seconds it was done, None where it took longer than `limit_s`."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if done():
            return time.monotonic() - began
        time.sleep(0.5)
    return None


def main() -> int:
    """Go through the outages; 1 where something was wrong."""
    database_s = float(os.environ.get("SOAK_DATABASE_S", "60"))
    network_s = float(os.environ.get("SOAK_NETWORK_S", "600"))
    disk_s = float(os.environ.get("SOAK_DISK_S", "30"))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    web = Web()
    wrong = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.callback(web.down)
        writers = [
            Writer("stream", ["--window", "1", "--json"], web.url, folder),
            Writer("schedule", ["--every", "2s", "--log-format", "json"], web.url, folder),
        ]
        for writer in writers:
            stack.callback(writer.close)
        wrong += _recovers("start", writers, 1)
        for number, (name, seconds, mark, outage) in enumerate(
            (
                ("database", database_s, "connection", databases_gone(writers)),
                ("network", network_s, "", network_down(web)),
                ("full disk", disk_s, "No space left", disks_full(writers)),
                ("read-only disk", disk_s, "Read-only file system", disks_read_only(writers)),
            ),
            2,
        ):
            since = [len(writer.said) for writer in writers]
            with outage:
                web.shown = number
                if name != "network":
                    web.show(number)
                time.sleep(seconds)
            wrong += _recovers(f"{name} for {seconds:g} s", writers, number)
            for writer, line in zip(writers, since, strict=True):
                if not writer.says(line, mark):
                    print(f"WRONG: {name}: {writer.name} does not say what is wrong")
                    wrong += 1
        for writer in writers:
            code = writer.stop()
            if code != 0:
                print(f"WRONG: {writer.name} ended with {code}")
                wrong += 1
    return int(wrong > 0)


def _recovers(what: str, writers: list[Writer], number: int) -> int:
    """Print how long each takes to have the first `number` stories; returns how many fail."""
    wrong = 0
    wanted = {f"Story {n}" for n in range(1, number + 1)}
    began = time.monotonic()
    for writer in writers:
        limit_s = max(1.0, RECOVERY_S - (time.monotonic() - began))
        took = wait_for(lambda w=writer: w.titles() == wanted, limit_s)  # type: ignore[misc]
        if took is None:
            print(f"WRONG: {what}: {writer.name} has {sorted(writer.titles())}")
            print("".join(f"    {line}" for line in writer.said[-5:]), end="")
            wrong += 1
        else:
            print(
                f"{what}: {writer.name} goes on after {time.monotonic() - began:.0f} s", flush=True
            )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
