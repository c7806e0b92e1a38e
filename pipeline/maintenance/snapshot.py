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
from pipeline.store.lock import is_held, writer_lock
from transforms.schemas import DATASETS
from transforms.segments import SUFFIX

# In a snapshot's folder, locked as long as somebody reads it: a number of a process, in a container
# a small one, may be another's by now.
HELD = "held.lock"


@contextlib.contextmanager
def snapshot(layout: Layout, purpose: str, wait_s: float) -> Iterator[Layout]:
    """Give a store that nobody changes and that holds what this one does now.

    A commit that was interrupted is finished first. Where the file system has no hard links the
    store itself is given, under its lock; where nothing can be written, as it is. Raises
    LockedError after `wait_s` seconds.
    """
    with contextlib.ExitStack() as reading, contextlib.ExitStack() as held:
        try:
            held.enter_context(writer_lock(layout.lock, purpose, wait_s))
        except OSError:
            yield layout
            return
        finish(layout)
        drop_abandoned(layout)
        folder = layout.snapshots / uuid.uuid4().hex
        copy = Layout(folder)
        try:
            reading.enter_context(writer_lock(folder / HELD, purpose))
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
    # Of the journal only what waits: what is committed are many small files, and nothing is asked.
    files += sorted(layout.journal.glob("*.json"))
    files += sorted(layout.journal.glob(f"pending/*{SUFFIX}"))
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


def drop_abandoned(layout: Layout) -> None:
    """Remove snapshots that nobody holds any more; the writer lock is held."""
    if not layout.snapshots.is_dir():
        return
    for folder in layout.snapshots.iterdir():
        if not is_held(folder / HELD):
            shutil.rmtree(folder, ignore_errors=True)
