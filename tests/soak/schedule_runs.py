"""Scheduled runs over feeds that go on, against one batch: `python tests/soak/schedule_runs.py`.

The sample feeds show more of their items before each of `--runs` runs of a schedule (20). Then one
run reads the whole of it into a store of its own. Both must hold the same `stances` and
`alignments`, byte for byte; exits with 1 where they don't.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from published import Publisher

from pipeline.config import load_config
from pipeline.schedule.plan import Plan, make_plan
from pipeline.schedule.scheduler import Scheduler
from pipeline.store.layout import Layout

NEWSALIGN = Path(sys.executable).parent / "newsalign"
COMPARED = ("stances", "alignments")


def main(arguments: list[str]) -> int:
    """Run both and compare; prints a line a run."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=20)
    wanted = options.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="newsalign-schedule-") as folder,
        Publisher(wanted.runs) as publisher,
    ):
        scheduled, batch = Path(folder) / "scheduled", Path(folder) / "batch"
        bad = _schedule(publisher, scheduled, wanted.runs)
        _run(publisher, batch)
        for name in COMPARED:
            found, expected = _files(scheduled, name), _files(batch, name)
            differing = {path for path in found | expected if found.get(path) != expected.get(path)}
            print(
                f"{name}: {len(expected)} files in the batch, {len(differing)} differ", flush=True
            )
            bad += len(differing) + (not expected)
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


def _run(publisher: Publisher, store: Path) -> None:
    flags = [word for url in publisher.urls for word in ("--feed", url)]
    settings = ["--set", "network.allow_private=true", "--workers", "1", "--quiet"]
    command = [str(NEWSALIGN), "run", *flags, *settings, "--output", str(store)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _files(store: Path, dataset: str) -> dict[str, bytes]:
    root = store / dataset
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
