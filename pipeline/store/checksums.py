"""What every file of the store should hold: size and checksum, noted in the index by commits."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.store.index import open_index
from transforms.schemas import DATASETS

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class FileSum:
    """One file: its path relative to the store, its size in bytes, its BLAKE2b in hex."""

    path: str
    bytes: int
    digest: str


def sum_file(root: Path, path: Path) -> FileSum:
    """Return what a file holds now; `path` lies below `root`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES))
        size = file.tell()
    return FileSum(path.relative_to(root).as_posix(), size, digest.hexdigest())


def all_files(root: Path) -> Iterator[Path]:
    """Yield every file of every dataset, in order, whatever its name."""
    for name in sorted(DATASETS):
        yield from sorted(path for path in (root / name).rglob("*") if path.is_file())


def note_files(index: Path, sums: Iterable[FileSum], removed: Iterable[str] = ()) -> None:
    """Note what files hold now, in one transaction; paths in `removed` are forgotten."""
    with closing(open_index(index)) as db, db:
        write_sums(db, sums, removed)


def write_sums(
    db: sqlite3.Connection, sums: Iterable[FileSum], removed: Iterable[str] = ()
) -> None:
    """Write checksums to an open index."""
    db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in removed])
    db.executemany(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
        [(file.path, file.bytes, file.digest) for file in sums],
    )


def noted_files(index: Path) -> dict[str, FileSum]:
    """Return what the index says of every file, by path."""
    with closing(sqlite3.connect(f"file:{index}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT path, bytes, digest FROM files ORDER BY path")
        return {row[0]: FileSum(*row) for row in rows}


def known_files(index: Path) -> dict[str, FileSum]:
    """Return what `noted_files` does, nothing where there is no index or it can't be read."""
    try:
        return noted_files(index)
    except sqlite3.DatabaseError:
        return {}
