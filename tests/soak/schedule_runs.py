"""Schedule and stream over feeds that go on, against a batch: `python tests/soak/schedule_runs.py`.

The sample feeds show more of their items before each of `--runs` runs of a schedule (20). They do
so once more for a stream, step by step. Then one run reads the whole of it. Each has a store of its
own, and all must hold the same `stances` and `alignments`: the schedule byte for byte, the stream,
which writes its dates in parts, row for row. Exits with 1 where they don't.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from published import Publisher
from store_rows import rows_by_date

from pipeline.config import load_config
from pipeline.journal import Journal
from pipeline.schedule.plan import Plan, make_plan
from pipeline.schedule.scheduler import Scheduler
from pipeline.store.layout import Layout

NEWSALIGN = Path(sys.executable).parent / "newsalign"
COMPARED = ("stances", "alignments")
POLL_S = 1.0
TAKEN_IN_S = 300.0  # that a step of a stream may take, its start included


def main(arguments: list[str]) -> int:
    """Run both and compare; prints a line a run."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=20)
    wanted = options.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="newsalign-schedule-") as folder,
        Publisher(wanted.runs) as publisher,
    ):
        stores = {way: Path(folder) / way for way in ("scheduled", "streamed", "batch")}
        bad = _schedule(publisher, stores["scheduled"], wanted.runs)
        bad += _stream(publisher, stores["streamed"], wanted.runs)
        _run(publisher, stores["batch"])
        for name in COMPARED:
            for way, read in (("scheduled", _files), ("streamed", rows_by_date)):
                expected = read(stores["batch"], name)
                bad += not expected
                found = read(stores[way], name)
                either = found | expected
                differing = [path for path in either if found.get(path) != expected.get(path)]
                print(
                    f"{name}: {len(expected)} dates in the batch, {len(differing)} differ {way}",
                    flush=True,
                )
                bad += len(differing)
    return int(bad > 0)


def _settings(publisher: Publisher) -> dict[str, Any]:
    return {
        "input.feeds": publisher.urls,
        "feeds.read": "all",
        "network.allow_private": True,
        "runner.workers": 1,
    }


def _schedule(publisher: Publisher, store: Path, runs: int) -> int:
    """Publish and run in turn; returns how many runs failed."""
    endings: list[str] = []

    def tell(event: str, fields: Mapping[str, Any]) -> None:
        if event in ("run_finished", "run_failed", "run_stopped"):
            endings.append(event)
            new = fields.get("counts", {}).get("new", 0)
            print(f"{event} {len(endings)}: {new} new, {fields['seconds']:.1f} s", flush=True)
            publisher.show(len(endings) + 1)

    def plan() -> Plan:
        settings = {"output.path": str(store), "schedule.every": "1s", "schedule.jitter_s": 0}
        return make_plan(load_config(None, _settings(publisher) | settings), None)

    publisher.show(1)
    Scheduler(plan(), Layout(store), plan, tell).run(runs)
    return sum(ending != "run_finished" for ending in endings)


def _stream(publisher: Publisher, store: Path, steps: int) -> int:
    """Publish step by step under a stream; returns how many steps it did not take in."""
    publisher.show(1)
    flags = [word for url in publisher.urls for word in ("--feed", url)]
    flags += ["--set", "network.allow_private=true", "--poll", str(POLL_S), "--window", "1"]
    process = subprocess.Popen(
        [str(NEWSALIGN), "stream", *flags, "--json", "--output", str(store)],
        stdout=subprocess.PIPE,
        text=True,
    )
    events: list[dict[str, Any]] = []

    def read() -> None:
        assert process.stdout is not None
        events.extend(json.loads(line) for line in process.stdout)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    missed = 0
    try:
        for step in range(1, steps + 1):
            publisher.show(step)
            taken_in = _wait_for_commit(publisher, store, events)
            missed += not taken_in
            batches = [event for event in events if event["event"] == "batch_committed"]
            new = sum(event["counts"].get("new", 0) for event in batches)
            print(f"stream {step}: {new} new so far{'' if taken_in else ', STUCK'}", flush=True)
    finally:
        process.terminate()
        code = process.wait(60)
        reader.join(60)
    return missed + (code != 0)


def _wait_for_commit(publisher: Publisher, store: Path, events: list[dict[str, Any]]) -> bool:
    """Wait until every feed has been asked anew and what it brought is committed."""
    journal, intent = Journal(Layout(store).journal), Layout(store).intent
    before = len(events)
    deadline = time.monotonic() + TAKEN_IN_S
    while time.monotonic() < deadline:
        # Of feeds that are asked equally often, none is left out twice.
        asked = sum(e["counts"]["feeds_polled"] for e in events[before:] if e["event"] == "polled")
        if asked >= 2 * len(publisher.urls) and not journal.pending() and not intent.exists():
            return True
        time.sleep(0.1)
    return False


def _run(publisher: Publisher, store: Path) -> None:
    flags = [word for url in publisher.urls for word in ("--feed", url)]
    settings = ["--set", "network.allow_private=true", "--workers", "1", "--quiet"]
    command = [str(NEWSALIGN), "run", *flags, *settings, "--output", str(store)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _files(store: Path, dataset: str) -> dict[str, Any]:
    root = store / dataset
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
