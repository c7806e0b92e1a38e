"""An hour of `newsalign stream` on feeds that go on: `python tests/soak/stream_hour.py`.

A server publishes articles over many feeds, some late, some again; a reader polls the store; memory
and processor time of the stream's processes are noted. Then every article shown must be in the
store once, and the aims must hold: 95 % of the articles are seen within poll + window + 5 s of
being shown, memory of the last quarter is within 5 % of the second's, a batch costs in the last
quarter what it costs in the first (10 % more at most). Exits with 1 where one of these fails.

Environment: SOAK_STREAM_SECONDS (3600), SOAK_STREAM_RATE (20 articles a second), SOAK_STREAM_FEEDS
(20), SOAK_STREAM_POLL and SOAK_STREAM_WINDOW (10 s each), SOAK_STREAM_SEED (1),
SOAK_STREAM_COMPARE=1 to compare stances and alignments with one run's over all that was shown,
SOAK_OUTPUT the folder of the store and of `stream-hour.json` (build/soak).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from process_use import ProcessUse
from store_rows import rows_by_date
from stream_figures import Batch, Notes, Use, figures, missed_aims, table

HERE = Path(__file__).resolve().parent
NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
SAMPLE_S = 10.0
DRAIN_S = 300.0  # that the last articles may take, and a backlog
STOP_S = 30.0
GROWTH = 0.1
COMPARED = ("stances", "alignments")
# What a stream on a machine where nothing fails has no reason to say.
FAILURES = frozenset({"commit_failed", "arrival_failed", "failed", "restarting"})


@dataclass(frozen=True)
class Soak:
    """How long, how much, and where."""

    folder: Path
    seconds: float = 3_600.0
    rate: float = 20.0
    feeds: int = 20
    poll_s: float = 10.0
    window_s: float = 10.0
    seed: int = 1
    compare: bool = False
    settings: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> Soak:
        """Return what the environment says."""

        def number(name: str, default: float) -> float:
            return float(os.environ.get(f"SOAK_STREAM_{name}", default))

        base = Path(os.environ.get("SOAK_OUTPUT", HERE.parents[1] / "build" / "soak"))
        return cls(
            folder=base.resolve() / "stream-hour",
            seconds=number("SECONDS", cls.seconds),
            rate=number("RATE", cls.rate),
            feeds=int(number("FEEDS", cls.feeds)),
            poll_s=number("POLL", cls.poll_s),
            window_s=number("WINDOW", cls.window_s),
            seed=int(number("SEED", cls.seed)),
            compare=os.environ.get("SOAK_STREAM_COMPARE") == "1",
        )


@dataclass
class Result:
    """The figures; `wrong` is what was lost, doubled or failed, `missed` the aims not reached."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


class Stream:
    """A `newsalign stream` in processes of its own, and what it says."""

    def __init__(self, soak: Soak, urls: list[str], store: Path) -> None:
        flags = [word for url in urls for word in ("--feed", url)]
        for setting in ("network.allow_private=true", *soak.settings):
            flags += ["--set", setting]
        flags += ["--poll", str(soak.poll_s), "--window", str(soak.window_s), "--json"]
        self.batches: list[Batch] = []
        self.failures: list[str] = []
        self.rejects: Counter[str] = Counter()
        self._said = (soak.folder / "events").open("w", encoding="utf-8", buffering=1)
        with (soak.folder / "errors").open("wb") as log:
            self.process = subprocess.Popen(
                [NEWSALIGN, "stream", *flags, "--output", str(store)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.write(line)
            event = json.loads(line)
            if event["event"] == "batch_committed":
                counts = event["counts"]
                took_s = event["analyse_seconds"] + event["commit_seconds"]
                self.batches.append(Batch(time.monotonic(), took_s, counts.get("new", 0)))
            elif event["event"] == "committed":
                self.rejects.update(event["rejects"])
            elif event["event"] in FAILURES:
                self.failures.append(line.strip())

    def stop(self) -> int:
        """Stop it as a service manager does; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()
            self._thread.join(STOP_S)


def run_soak(soak: Soak) -> Result:
    """Publish, stream, read and judge."""
    shutil.rmtree(soak.folder, ignore_errors=True)
    soak.folder.mkdir(parents=True)
    store, log, noted = soak.folder / "store", soak.folder / "shown", soak.folder / "seen"
    result = Result()
    server = _start(
        "live_news.py", str(log),
        *("--seconds", str(soak.seconds), "--rate", str(soak.rate)),
        *("--feeds", str(soak.feeds), "--seed", str(soak.seed)),
    )  # fmt: skip
    others = [server]
    try:
        assert server.stdout is not None
        urls = [server.stdout.readline().strip() for _ in range(soak.feeds)]
        notes = Notes(began=time.monotonic())
        stream = Stream(soak, urls, store)
        others += [stream.process, _start("stream_reader.py", str(store), str(noted))]
        use = ProcessUse(stream.process.pid)
        deadline = notes.began + soak.seconds + DRAIN_S
        while stream.process.poll() is None and time.monotonic() < deadline:
            notes.uses.append(Use(time.monotonic(), *use.sample()))
            if _all_seen(log, noted):
                break
            time.sleep(SAMPLE_S)
        code = stream.stop()
        if code != 0:
            result.wrong.append(f"the stream ended with {code}")
        notes.batches = stream.batches
        result.wrong += stream.failures
        result.wrong += [f"{n} rejected: {reason}" for reason, n in stream.rejects.items()]
        _read_notes(notes, log, noted, soak.seconds)
        _check_store(notes, store, result)
        if soak.compare:
            server.send_signal(signal.SIGUSR1)
            _compare(store, urls, soak, result)
    finally:
        for process in others:
            process.kill()
            process.wait()
    result.figures = figures(notes, _with_stances(store))
    result.missed = missed_aims(result.figures, soak.poll_s + soak.window_s + 5.0, GROWTH)
    return result


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines that are whole by now."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _all_seen(log: Path, noted: Path) -> bool:
    """Say whether publishing has ended and the reader has seen all of it."""
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 100))
        if b'"end"' not in file.read():
            return False
    shown = {line["url"] for line in _lines(log) if "url" in line}
    return shown <= {line["url"] for line in _lines(noted)}


def _read_notes(notes: Notes, log: Path, noted: Path, seconds: float) -> None:
    kinds: Counter[str] = Counter()
    times = []
    for line in _lines(log):
        if "missed" in line:
            notes.missed.append(line["missed"])
        elif "url" in line:
            kinds[line["kind"]] += 1
            times.append(line["at"])
            notes.shown.setdefault(line["url"], line["at"])
    for line in _lines(noted):
        notes.seen.setdefault(line["url"], line["at"])
    notes.kinds = dict(kinds)
    notes.began = min(times, default=notes.began)
    notes.ended = notes.began + seconds


def _check_store(notes: Notes, store: Path, result: Result) -> None:
    """Note what is not in the store exactly once, and what verify finds."""
    rows = Counter(url for (url,) in _ask(store, "articles", "SELECT url FROM t"))
    ids = _ask(store, "articles", "SELECT count(*) - count(DISTINCT article_id) FROM t")
    unseen = sorted(notes.shown.keys() - notes.seen.keys())
    faults = {
        "left their feed unasked": notes.missed,
        "lost": sorted(notes.shown.keys() - rows.keys()),
        "doubled": sorted(url for url, number in rows.items() if number > 1),
        "from nowhere": sorted(rows.keys() - notes.shown.keys()),
        "never seen by the reader": unseen,
    }
    for what, urls in faults.items():
        if urls:
            result.wrong.append(f"{len(urls):,} {what}, such as {urls[0]}")
    if ids != [(0,)]:
        result.wrong.append(f"article ids that are not unique: {ids}")
    check = subprocess.run(
        [NEWSALIGN, "verify", "--output", str(store)], capture_output=True, text=True, check=False
    )
    if check.returncode != 0:
        result.wrong.append(f"verify: {check.stdout}{check.stderr}")


def _with_stances(store: Path) -> set[str]:
    query = (
        "SELECT url FROM t WHERE article_id IN (SELECT article_id FROM "
        f"read_parquet('{store}/stances/*/*.parquet'))"
    )
    return {url for (url,) in _ask(store, "articles", query)}


def _ask(store: Path, dataset: str, query: str) -> list[tuple[Any, ...]]:
    if not any((store / dataset).glob("*/*.parquet")):
        return []
    files = f"read_parquet('{store}/{dataset}/*/*.parquet')"
    return duckdb.sql(query.replace("FROM t", f"FROM {files} AS t")).fetchall()


def _compare(store: Path, urls: list[str], soak: Soak, result: Result) -> None:
    """Compare with the store that one run makes of all that the feeds ever showed."""
    batch = soak.folder / "batch"
    flags = [word for url in urls for word in ("--feed", url)]
    for setting in ("network.allow_private=true", "network.max_bytes=100000000", *soak.settings):
        flags += ["--set", setting]
    flags += ["--set", "read.max_entries_per_feed=1000000", "--quiet"]
    subprocess.run([NEWSALIGN, "run", *flags, "--output", str(batch)], check=True)
    for dataset in COMPARED:
        found, wanted = rows_by_date(store, dataset), rows_by_date(batch, dataset)
        differing = [day for day in found | wanted if found.get(day) != wanted.get(day)]
        if differing or not found:
            result.wrong.append(f"{dataset}: {len(differing)} dates differ from one run's")


def main() -> int:
    """Run the soak that the environment describes; 1 where something failed."""
    soak = Soak.from_environment()
    # So that no process is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result = run_soak(soak)
    print(table(result.figures))
    for line in result.missed:
        print(f"MISSED: {line}")
    for line in result.wrong:
        print(f"WRONG: {line}")
    report = {"figures": result.figures, "missed": result.missed, "wrong": result.wrong}
    path = soak.folder.parent / "stream-hour.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"figures: {path}")
    return int(bool(result.wrong or result.missed))


if __name__ == "__main__":
    sys.exit(main())
