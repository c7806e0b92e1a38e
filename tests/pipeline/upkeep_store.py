"""The fixture store with all aggregates and its index, as a run would leave it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fixture_store import build_store

from pipeline.maintenance.recount import recount_days
from pipeline.store.checksums import note_files, sum_file
from pipeline.store.commit import Commit, StagedFile, commit
from pipeline.store.layout import Layout
from pipeline.store.rebuild import ensure_index, partition_days
from transforms.manifest import staged_file
from transforms.parquet_io import Row, partition_path, read_rows, write_rows, write_table
from transforms.parts import (
    BY_TIME,
    BY_WINDOW,
    WINDOW_PARTS,
    part_number,
    part_path,
    window_parts,
    with_parts,
)
from transforms.schemas import DATASETS
from transforms.settings import AggregateSettings, DeduplicateSettings

FIRST_DAY = "2026-11-01"


def build_whole_store(root: Path) -> Layout:
    """Write a store that `verify` finds nothing wrong with; one of its stories has a copy."""
    layout = Layout(build_store(root))
    for name in ("alignments", "comentions", "coverage"):
        shutil.rmtree(root / name)
    days = partition_days(root, "articles")
    for day in days:
        path = partition_path(root, DATASETS["articles"], day)
        rows = read_rows(DATASETS["articles"], path)
        firsts = {row["story_id"]: row["article_id"] for row in rows if row["is_canonical"]}
        write_rows(DATASETS["articles"], [_identified(row, firsts) for row in rows], path)
    staging = layout.staging / "counts"
    staged = recount_days(root, staging, [], days, AggregateSettings())
    relative = staging.relative_to(root).as_posix()
    files = [StagedFile(**staged_file(one)) for one in staged]
    commit(layout, Commit("counts", relative, files, None, {}))
    shutil.rmtree(layout.staging)
    ensure_index(layout, DeduplicateSettings())
    return layout


def _identified(row: Row, firsts: dict[str, str]) -> Row:
    joins = []
    if not row["is_canonical"]:
        first = firsts[row["story_id"]]
        joins = [{"article_id": first, "similarity": 0.9, "method": "jaccard"}]
    keys = [f"u:{row['url']}"]
    hashes = [row["content_hash"]]
    return {**row, "identity_keys": keys, "content_hashes": hashes, "joins": joins}


def rewrite(
    layout: Layout, name: str, day: str | None, change: Callable[[list[Row]], list[Any]]
) -> None:
    """Replace a partition's rows as a commit would, its checksum with it, and nothing else."""
    path = partition_path(layout.root, DATASETS[name], day)
    write_rows(DATASETS[name], change(read_rows(DATASETS[name], path)), path)
    note_files(layout.index, [sum_file(layout.root, path)])


def divide(layout: Layout, day: str, parts: int) -> None:
    """Put a date into parts as a stream writes them, articles and stances into `parts`."""
    for name in sorted(BY_TIME | BY_WINDOW):
        dataset = DATASETS[name]
        path = partition_path(layout.root, dataset, day)
        if not path.exists():
            continue
        table = pq.read_table(path, partitioning=None)
        if name in BY_TIME:
            of = [part_number(moment, parts) for moment in table["published_at"].to_pylist()]
        else:
            of = window_parts(table["granularity"], table["window_start"]).to_pylist()
        path.unlink()
        for number in sorted(set(of)):
            part = part_path(layout.root, dataset, day, number)
            rows = table.filter(pa.array([one == number for one in of]))
            write_table(with_parts(rows, parts if name in BY_TIME else WINDOW_PARTS), part)
            note_files(layout.index, [sum_file(layout.root, part)])
        if 0 not in of:
            note_files(layout.index, [], [path.relative_to(layout.root).as_posix()])


def contents(layout: Layout, *names: str) -> dict[str, bytes]:
    """Return the bytes of every file of some datasets (all but `runs`) by relative path."""
    return {
        path.relative_to(layout.root).as_posix(): path.read_bytes()
        for name in names or [name for name in DATASETS if name != "runs"]
        for path in sorted((layout.root / name).rglob("*"))
        if path.is_file()
    }
