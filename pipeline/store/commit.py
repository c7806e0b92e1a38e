"""The commit: staged files renamed into place, others removed, then index and journal's offset.

An intent record, written and fsynced first, lists all of it; each step can be done twice. A kill
before the record leaves the store as it was, a kill after it is finished by the next start.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.files import write_durably
from pipeline.journal import Journal
from pipeline.store.checksums import FileSum, sum_file, write_sums
from pipeline.store.index import IndexChanges, drop_index, open_index, write_changes
from pipeline.store.layout import Layout
from transforms.manifest import INDEX_CHANGES, MANIFEST
from transforms.partitions import Place
from transforms.segments import fsync_folder

ORDER = ("articles", "stances", "alignments")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A prepared file: `path` is where it lies in the staging folder and will lie in the store,
    `rows` 0 means that it is to go.
    """

    dataset: str
    day: str
    path: str
    rows: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one batch changes; `offsets` is records committed by journal segment.

    `removed` are files to delete, relative to the store: those beside a staged one as soon as that
    is in place, others after all.
    """

    batch_id: str
    staging: str
    files: Sequence[StagedFile]
    index: IndexChanges | None
    offsets: Mapping[str, int]
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """What a job staged and the store took: partitions that changed, counts, index changes."""

    changed: list[Place]
    counts: dict[str, int]
    index: dict[str, Any]


def commit_staged(
    layout: Layout, batch_id: str, staging: Path, offsets: Mapping[str, int]
) -> Committed:
    """Commit what a job left in its staging folder with a manifest."""
    manifest = json.loads((staging / MANIFEST).read_text(encoding="utf-8"))
    index = json.loads((staging / INDEX_CHANGES).read_text(encoding="utf-8"))
    changed = commit(
        layout,
        Commit(
            batch_id=batch_id,
            staging=staging.relative_to(layout.root).as_posix(),
            files=[StagedFile(**file) for file in manifest["files"]],
            index=IndexChanges(**index),
            offsets=offsets,
        ),
    )
    return Committed(changed, manifest["counts"], index)


def commit(layout: Layout, change: Commit) -> list[Place]:
    """Make a batch part of the store and return the partitions whose bytes changed.

    A commit that was interrupted before is finished first.
    """
    layout.state.mkdir(parents=True, exist_ok=True)
    finish(layout)
    intent = {**_to_json(change), "sums": [asdict(file) for file in _sums(layout, change)]}
    write_durably(layout.intent, json.dumps(intent))
    return finish(layout)


def finish(layout: Layout) -> list[Place]:
    """Do what the intent record says, from wherever it stopped; nothing where there is none."""
    if not layout.intent.exists():
        return []
    values = json.loads(layout.intent.read_text())
    sums = [FileSum(**file) for file in values.pop("sums", ())]
    change = _from_json(values)
    staging = layout.root / change.staging
    changed = _apply(layout.root, staging, change)
    emptied = [file.path for file in change.files if not file.rows]
    try:
        with contextlib.closing(open_index(layout.index)) as db, db:
            if change.index is not None:
                write_changes(db, change.batch_id, change.index)
            write_sums(db, sums, [*emptied, *change.removed])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        # Damaged: the Parquet is what counts, and a start without an index makes it anew.
        drop_index(layout.index)
    Journal(layout.journal).advance(change.offsets)
    layout.intent.unlink()
    fsync_folder(layout.state)
    shutil.rmtree(staging, ignore_errors=True)
    return changed


def _apply(root: Path, staging: Path, change: Commit) -> list[Place]:
    """Put staged files into place and remove others; returns what changed."""
    changed: list[Place] = []
    beside: dict[Path, list[str]] = {}
    for path in change.removed:
        beside.setdefault((root / path).parent, []).append(path)

    def drop(paths: Sequence[str]) -> None:
        changed.extend(_place(path) for path in paths if _remove(root / path))

    for file in sorted(change.files, key=_commit_order):
        if _put(root, staging, file):
            changed.append(Place(file.dataset, file.day))
        # At once: until they are gone, who reads all files of a joined date sees rows twice.
        drop(beside.pop((root / file.path).parent, ()))
    for paths in beside.values():
        drop(paths)
    _sync(root, [*(file.path for file in change.files), *change.removed])
    return changed


def _sync(root: Path, paths: Iterable[str]) -> None:
    """Make durable that files have come or gone, and their folders with them."""
    folders = {(root / path).parent for path in paths}
    for folder in sorted(folders | {folder.parent for folder in folders}):
        if folder.is_dir():
            fsync_folder(folder)


def _sums(layout: Layout, change: Commit) -> list[FileSum]:
    """Return what the files will hold that the staged ones become."""
    staging = layout.root / change.staging
    sums = []
    for file in change.files:
        if file.rows:
            staged = sum_file(staging, staging / file.path)
            sums.append(FileSum(file.path, staged.bytes, staged.digest))
    return sums


def _place(path: str) -> Place:
    """Return the partition that a file's relative path lies in."""
    dataset, _, rest = path.partition("/")
    return Place(dataset, rest.partition("/")[0].removeprefix("date=") if "/" in rest else "")


def _commit_order(file: StagedFile) -> tuple[int, str, str]:
    rank = ORDER.index(file.dataset) if file.dataset in ORDER else len(ORDER)
    return rank, file.dataset, file.path


def _put(root: Path, staging: Path, file: StagedFile) -> bool:
    """Move one staged file into place; False where the partition has these bytes already."""
    source = staging / file.path
    target = root / file.path
    if not file.rows:
        # Whatever a kill has left of it: the staged file goes with its folder.
        return _remove(target)
    if not source.exists():
        return False
    if target.exists() and _same_bytes(source, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    return True


def _remove(path: Path) -> bool:
    """Remove a file, and its partition's folder where nothing else is in it."""
    existed = path.exists()
    path.unlink(missing_ok=True)
    if path.parent.name.startswith("date="):
        # A folder that is not empty, or not there any more, is left as it is.
        with contextlib.suppress(OSError):
            path.parent.rmdir()
    return existed


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
        "removed": list(change.removed),
    }


def _from_json(values: dict[str, Any]) -> Commit:
    index = values["index"]
    return Commit(
        batch_id=values["batch_id"],
        staging=values["staging"],
        files=[StagedFile(**file) for file in values["files"]],
        index=IndexChanges(**index) if index is not None else None,
        offsets=values["offsets"],
        removed=values.get("removed", ()),
    )
