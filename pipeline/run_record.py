"""The row that every command which changes a store leaves in `runs`."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pipeline.store.commit import Commit, StagedFile, commit, finish
from pipeline.store.layout import Layout
from transforms.parquet_io import partition_path, read_rows, write_rows
from transforms.schemas import RUNS

VERSIONED = ("newsalign", "apache-beam", "spacy", "pyarrow", "feedparser", "httpx")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run says of itself; `status` is done, failed or interrupted."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    status: str
    command: str
    config_hash: str
    coding_version: str | None
    counts: Mapping[str, int]


def record_run(layout: Layout, record: RunRecord) -> None:
    """Add a run's row to the partition of the day that it started on."""
    row = {
        **asdict(record),
        "versions": list(versions().items()),
        "counts": sorted(record.counts.items()),
    }
    day = record.started_at.date().isoformat()
    staging = layout.staging / f"runs-{record.run_id}"
    # A commit that was interrupted comes first: its intent record must not be lost.
    finish(layout)
    rows = read_rows(RUNS, partition_path(layout.root, RUNS, day))
    staged = partition_path(staging, RUNS, day)
    count = write_rows(RUNS, [*rows, row], staged)
    path = staged.relative_to(staging).as_posix()
    commit(
        layout,
        Commit(
            batch_id=f"{record.run_id}-record",
            staging=staging.relative_to(layout.root).as_posix(),
            files=[StagedFile(RUNS.name, day, path, count)],
            index=None,
            offsets={},
        ),
    )


def versions() -> dict[str, str]:
    """Return the versions of what decides a run's results."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
