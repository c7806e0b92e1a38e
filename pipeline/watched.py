"""Watched files: which are new or have changed since they were last read into the journal."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from pipeline.config import Config
from pipeline.store.layout import Layout
from transforms.remote_files import is_remote
from transforms.settings import ReadSettings
from transforms.sources import SourceSlice, expand_inputs

# Files come whole here: a slice is read line by line anyhow, and slicing reads the file itself.
WHOLE = 1 << 62
LEDGER = "watched.sqlite"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file to read, and the facts to note once all of it is in the journal."""

    source: SourceSlice
    stamp: str


class Watched:
    """The files that `paths` (files, folders, globs) name, and a ledger of what has been read.

    The ledger is a SQLite file; files that are gone leave it. A file counts as changed when its
    size or its modification time differs from the noted ones, and as settled when it was last
    written `settle_s` seconds ago or more: before that somebody may still be writing. All count as
    changed where they are to be read in another way (`read`).
    """

    def __init__(
        self,
        ledger: Path,
        paths: Sequence[str],
        exclude: Sequence[str],
        settle_s: float,
        read: ReadSettings,
    ) -> None:
        self._ledger = ledger
        self._paths = paths
        self._exclude = exclude
        self._settle_s = settle_s
        self._way = blake2b(read.model_dump_json().encode(), digest_size=6).hexdigest()

    def changed(self, now: float | None = None) -> Iterator[ChangedFile]:
        """Yield what is new or changed and settled, in the order of origins; `now` is a Unix time.

        What can't be read is yielded too, once: reading it gives the reject.
        """
        yield from self.among(expand_inputs(self._paths, WHOLE, self._exclude), now)

    def among(
        self, sources: Iterable[SourceSlice], now: float | None = None
    ) -> Iterator[ChangedFile]:
        """Yield those of `sources`, whole files or slices of them, whose files `changed` yields."""
        at = time.time() if now is None else now
        noted = self._noted()
        left = set(noted)
        for source in sources:
            left.discard(source.path)
            if source.problem == "not_found":
                continue  # a folder or glob that is still to be filled
            stamp = self._stamp(source, at)
            if stamp is not None and noted.get(source.path) != stamp:
                yield ChangedFile(source, stamp)
        self._forget(path for path in left if is_gone(path))

    def note(self, files: Sequence[ChangedFile]) -> None:
        """Remember files as read; only once all of each is durable in the journal."""
        with contextlib.closing(self._open()) as db, db:
            db.executemany(
                "INSERT OR REPLACE INTO watched (path, stamp) VALUES (?, ?)",
                [(file.source.path, file.stamp) for file in files],
            )

    def _forget(self, paths: Iterable[str]) -> None:
        gone = [(path,) for path in paths]
        if gone:
            with contextlib.closing(self._open()) as db, db:
                db.executemany("DELETE FROM watched WHERE path = ?", gone)

    def _noted(self) -> dict[str, str]:
        with contextlib.closing(self._open()) as db:
            return dict(db.execute("SELECT path, stamp FROM watched"))

    def _open(self) -> sqlite3.Connection:
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._ledger, timeout=30.0)
        db.execute("CREATE TABLE IF NOT EXISTS watched (path TEXT PRIMARY KEY, stamp TEXT)")
        return db

    def _stamp(self, source: SourceSlice, now: float) -> str | None:
        """Return what identifies the file's present content, None while it isn't settled."""
        if source.size is not None:
            return f"{source.size} {self._way}"
        try:
            facts = Path(source.path).stat()
        except OSError:
            return f"problem {source.problem}"
        if abs(now - facts.st_mtime) < self._settle_s:
            return None
        return f"{facts.st_size} {facts.st_mtime_ns} {self._way}"


def is_gone(path: str) -> bool:
    """Return whether a file of this machine is there no more.

    Where a folder is empty nobody knows: what is mounted there may come back.
    """
    if is_remote(path) or os.path.lexists(path):
        return False
    try:
        folder = next(folder for folder in Path(path).parents if folder.is_dir())
        return any(folder.iterdir())
    except OSError:
        return False


def watched_files(config: Config, layout: Layout) -> Watched:
    """Return a config's files with the store's ledger."""
    return Watched(
        layout.state / LEDGER,
        config.input.paths,
        config.input.exclude,
        config.stream.settle_s,
        config.read,
    )
