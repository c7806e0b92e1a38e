"""The commit: staged files renamed into place, then the index, then the journal's offset.

An intent record, written and fsynced first, lists all of it; each step can be done twice. A kill
before the record leaves the store as it was, a kill after it is finished by the next start.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.files import write_durably
from pipeline.journal import Journal
from pipeline.store.index import IndexChanges, apply_changes
from pipeline.store.layout import Layout
from transforms.parquet_io import partition_path
from transforms.partitions import Place
from transforms.schemas import DATASETS
from transforms.segments import fsync_folder

ORDER = ("articles", "stances", "alignments")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A prepared partition: `path` relative to the staging folder, `rows` 0 to remove it."""

    dataset: str
    day: str
    path: str
    rows: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one batch changes; `offsets` is records committed by journal segment."""

    batch_id: str
    staging: str
    files: Sequence[StagedFile]
    index: IndexChanges | None
    offsets: Mapping[str, int]


def commit(layout: Layout, change: Commit) -> list[Place]:
    """Make a batch part of the store and return the partitions whose bytes changed.

    A commit that was interrupted before is finished first.
    """
    layout.state.mkdir(parents=True, exist_ok=True)
    finish(layout)
    write_durably(layout.intent, json.dumps(_to_json(change)))
    return finish(layout)


def finish(layout: Layout) -> list[Place]:
    """Do what the intent record says, from wherever it stopped; nothing where there is none."""
    if not layout.intent.exists():
        return []
    change = _from_json(json.loads(layout.intent.read_text()))
    staging = layout.root / change.staging
    changed = [
        Place(file.dataset, file.day)
        for file in sorted(change.files, key=_commit_order)
        if _put(layout.root, staging, file)
    ]
    if change.index is not None:
        apply_changes(layout.index, change.batch_id, change.index)
    Journal(layout.journal).advance(change.offsets)
    layout.intent.unlink()
    fsync_folder(layout.state)
    shutil.rmtree(staging, ignore_errors=True)
    return changed


def _commit_order(file: StagedFile) -> tuple[int, str, str]:
    rank = ORDER.index(file.dataset) if file.dataset in ORDER else len(ORDER)
    return rank, file.dataset, file.day


def _put(root: Path, staging: Path, file: StagedFile) -> bool:
    """Move one staged file into place; False where the partition has these bytes already."""
    source = staging / file.path
    target = partition_path(root, DATASETS[file.dataset], file.day or None)
    if not source.exists():
        return False
    if not file.rows:
        source.unlink()
        existed = target.exists()
        target.unlink(missing_ok=True)
        if existed and file.day:
            target.parent.rmdir()
        return existed
    if target.exists() and _same_bytes(source, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    fsync_folder(target.parent)
    fsync_folder(target.parent.parent)
    return True


def _same_bytes(first: Path, second: Path) -> bool:
    if first.stat().st_size != second.stat().st_size:
        return False
    return first.read_bytes() == second.read_bytes()


def _to_json(change: Commit) -> dict[str, Any]:
    return {
        "batch_id": change.batch_id,
        "staging": change.staging,
        "files": [asdict(file) for file in change.files],
        "index": asdict(change.index) if change.index is not None else None,
        "offsets": dict(change.offsets),
    }


def _from_json(values: dict[str, Any]) -> Commit:
    index = values["index"]
    return Commit(
        batch_id=values["batch_id"],
        staging=values["staging"],
        files=[StagedFile(**file) for file in values["files"]],
        index=IndexChanges(**index) if index is not None else None,
        offsets=values["offsets"],
    )
