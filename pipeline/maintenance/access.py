"""Opening a store for upkeep: it must be there, and nobody else may be writing."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from pipeline.errors import UserError
from pipeline.run_record import RunRecord, record_run
from pipeline.store.commit import finish
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from transforms.schemas import DATASETS

# Below this share of free pages, making the index smaller costs more than it frees.
FREE_SHARE = 0.2


def find_store(folder: Path) -> Layout:
    """Return the store in a folder; raises UserError where there is none."""
    root = folder.absolute()
    if not root.is_dir():
        raise UserError(f"{folder}: no such folder; name the store with --output")
    if not any((root / name).is_dir() for name in DATASETS):
        raise UserError(f"{folder}: holds none of the datasets that 'newsalign run' writes")
    return Layout(root)


@contextlib.contextmanager
def locked(layout: Layout, purpose: str, wait_s: float) -> Iterator[None]:
    """Hold the writer lock, with a commit that was interrupted finished and old staging gone.

    Raises LockedError after `wait_s` seconds, OSError where the store can't be written to.
    """
    with writer_lock(layout.lock, purpose, wait_s):
        finish(layout)
        shutil.rmtree(layout.staging, ignore_errors=True)
        yield
        shutil.rmtree(layout.staging, ignore_errors=True)


def date_of_folder(folder: Path) -> date | None:
    """Return the date of a partition's folder, None for anything else."""
    try:
        day = date.fromisoformat(folder.name.removeprefix("date="))
    except ValueError:
        return None
    return day if folder.name == f"date={day.isoformat()}" and folder.is_dir() else None


def shrink_index(path: Path) -> int:
    """Give back the index's unused space; returns the bytes that were freed."""
    if not path.exists():
        return 0
    before = path.stat().st_size
    with contextlib.closing(sqlite3.connect(path, timeout=60.0, isolation_level=None)) as db:
        free, pages = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count")
        )
        if free > FREE_SHARE * pages:
            db.execute("VACUUM")
    return before - path.stat().st_size


class Visit:
    """An upkeep command's row in `runs`: begun when it starts, written when its work is done."""

    def __init__(self, command: str, config_hash: str) -> None:
        self.command = command
        self.started_at = datetime.now(UTC)
        self.run_id = f"{self.started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._config_hash = config_hash

    def record(
        self,
        layout: Layout,
        counts: dict[str, int],
        status: str = "done",
        coding_version: str | None = None,
    ) -> None:
        """Write the row; the writer lock is held."""
        record = RunRecord(
            run_id=self.run_id,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            status=status,
            command=self.command,
            config_hash=self._config_hash,
            coding_version=coding_version,
            counts=counts,
        )
        record_run(layout, record)
