"""The store as it is at one moment, for who reads long: hard links and a copy of the index.

Files are replaced and never patched, so a link keeps what it was made of. The writer lock is held
only while the links are made; a schedule goes on beside whoever reads.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from pipeline.store.checksums import all_files
from pipeline.store.commit import finish
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from transforms.schemas import DATASETS


@contextlib.contextmanager
def snapshot(layout: Layout, purpose: str, wait_s: float) -> Iterator[Layout]:
    """Give a store that nobody changes and that holds what this one does now.

    A commit that was interrupted is finished first. Where the file system has no hard links the
    store itself is given, under its lock; where nothing can be written, as it is. Raises
    LockedError after `wait_s` seconds.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(writer_lock(layout.lock, purpose, wait_s))
        except OSError:
            yield layout
            return
        finish(layout)
        _drop_abandoned(layout.snapshots)
        folder = layout.snapshots / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        copy = Layout(folder)
        try:
            _link(layout, copy)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            yield layout
            return
        held.close()
        try:
            yield copy
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _link(layout: Layout, copy: Layout) -> None:
    copy.state.mkdir(parents=True)
    for name in DATASETS:
        if (layout.root / name).is_dir():
            (copy.root / name).mkdir()
    files = [*all_files(layout.root)]
    files += [path for path in layout.journal.rglob("*.json*") if path.is_file()]
    files += [path for path in (layout.pruned,) if path.exists()]
    for path in files:
        target = copy.root / path.relative_to(layout.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    if layout.index.exists():
        _copy_index(layout.index, copy.index)


def _copy_index(index: Path, copy: Path) -> None:
    try:
        with (
            contextlib.closing(sqlite3.connect(index, timeout=60.0)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.DatabaseError:
        # It can't be read as a database; its reader is to see that.
        shutil.copyfile(index, copy)


def _drop_abandoned(folder: Path) -> None:
    """Remove snapshots whose process is gone."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        owner = path.name.partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(path, ignore_errors=True)
