"""What was pruned doesn't come back with the next run, and `rebuild` asks nobody's date."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from whole_runs import files, newsalign_run

from pipeline.config import load_config
from pipeline.maintenance.access import Visit, locked
from pipeline.maintenance.prune import plan_prune, prune
from pipeline.maintenance.rebuild import rebuild
from pipeline.maintenance.verify import verify
from pipeline.run import Scheduled, run
from pipeline.store.layout import Layout

pytestmark = pytest.mark.job

RESULTS = ("articles", "stances", "alignments", "comentions")
DATES = ("2026-11-01", "2026-11-02", "2026-11-10")


def write_articles(path: Path) -> None:
    lines = [
        {
            "url": f"https://example.org/{day}",
            "title": f"France condemned Russia on {day}",
            "text": f"France condemned Russia over the attack, its minister said on {day}.",
            "published": f"{day}T10:00:00Z",
        }
        for day in DATES
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_pruned_articles_do_not_come_back(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    write_articles(source)
    assert newsalign_run([str(source)], output, "--workers", "1")["counts"]["new"] == 3
    layout = Layout(output)
    with locked(layout, "prune", 0.0):
        prune(layout, plan_prune(layout, 22, date(2026, 11, 25), 7), Visit("prune", "hash"))
    kept = files(output, RESULTS)
    assert kept and not any(DATES[0] in str(path) for path in kept)

    again = newsalign_run([str(source)], output, "--workers", "1")
    check(again, kept, files(output, RESULTS))
    config = load_config(None, {"output.path": str(output), "input.paths": [str(source)]})
    scheduled = run(config, scheduled=Scheduled()).as_dict()
    check(scheduled, kept, files(output, RESULTS))
    assert verify(layout, config).problems == []

    report = rebuild(layout, config, None, everything=True)
    assert report.counts["articles"] == 2
    assert files(output, RESULTS) == kept


def check(report: dict[str, Any], kept: Any, found: Any) -> None:
    assert report["rejects"] == {"too_late": 1}
    assert report["counts"].get("analysed", 0) == 0
    assert report["counts"]["unchanged"] == 2
    assert found == kept
