"""A run on top of a long history opens no partition but those that its articles belong to."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.run import run
from pipeline.store.layout import Layout
from pipeline.store.rebuild import rebuild_index
from transforms.parquet_io import PART
from transforms.schemas import DATASETS
from transforms.settings import DeduplicateSettings

pytestmark = pytest.mark.job

ACTORS = Path(__file__).parents[1] / "data" / "invented_actors.json"
OTHER_DAYS = [date(2025, 11, 2) + timedelta(days=number) for number in range(365)]


def test_only_what_a_day_touches_is_opened(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    layout.state.mkdir(parents=True)
    rebuild_index(layout, DeduplicateSettings())
    others: dict[Path, bytes] = {}
    for dataset in DATASETS.values():
        for day in OTHER_DAYS if dataset.partition_by else ():
            # Whoever opened this as Parquet would fail, and the run with him.
            path = layout.root / dataset.name / f"date={day}" / PART
            others[path] = f"{dataset.name} of {day}".encode()
            path.parent.mkdir(parents=True)
            path.write_bytes(others[path])
    source = tmp_path / "day.jsonl"
    rows = [
        {
            "url": f"https://o.example/{number}",
            "text": f"Veldania thanked Arvena on Thursday for its help with fire {number}.",
            "published_at": f"2026-11-05T{number + 8:02}:00:00Z",
            "outlet": "o.example",
        }
        for number in range(3)
    ]
    source.write_text("\n".join(json.dumps(row) for row in rows))
    overrides = {
        "input.paths": [str(source)],
        "output.path": str(layout.root),
        "runner.workers": 1,
        "actors.catalog": [str(ACTORS)],
        "run.now": "2026-11-05T12:00:00Z",
    }
    report = run(load_config(None, overrides))
    assert report.counts["new"] == 3
    # Thursday's own partitions, and its Monday's, which hold its week.
    days = {place.day for place in report.changed if place.dataset != "runs"}
    assert days == {"", "2026-11-05", "2026-11-02"}
    assert {path: path.read_bytes() for path in others} == others
