"""A schedule reads files that are new or have changed, and no others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.run import RunReport, Scheduled, run
from pipeline.warm import WarmJobs

pytestmark = pytest.mark.job
LONG_AGO = 1_700_000_000


def put(path: Path, *numbers: int, at: int = LONG_AGO) -> None:
    rows = [
        {
            "url": f"https://daily.example.net/{number}",
            "title": f"Report {number}",
            "text": f"France praised Kenya for its harbour number {number} on Friday.",
            "published_at": "2026-11-20T10:00:00Z",
        }
        for number in numbers
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.utime(path, (at, at))


def test_each_run_reads_what_has_changed_since_the_last(tmp_path: Path) -> None:
    folder, missing = tmp_path / "in", tmp_path / "absent.jsonl"
    folder.mkdir()
    paths = json.dumps([str(folder), str(missing)])
    config = load_config(None, {"input.paths": paths, "output.path": str(tmp_path / "out")})

    with WarmJobs() as jobs:

        def scheduled() -> RunReport:
            return run(config, scheduled=Scheduled(), jobs=jobs)

        put(folder / "a.jsonl", 1, 2)
        first = scheduled()
        assert (first.counts["new"], first.rejects) == (2, {"not_found": 1})
        put(folder / "b.jsonl", 3)
        second = scheduled()
        assert (second.counts["items"], second.counts["new"]) == (1, 1)
        assert scheduled().counts.get("items", 0) == 0
        put(folder / "a.jsonl", 1, 2, 4, at=LONG_AGO + 60)
        fourth = scheduled()
        assert (fourth.counts["items"], fourth.counts["new"]) == (3, 1)
        # Whoever runs it by hand wants all of it read.
        assert run(config, jobs=jobs).counts["items"] == 4
