"""Columns of the store's files, kept by a process that reads the same ones again and again.

Files are replaced and never patched: one with the same inode, size and time of change holds the
same rows, also after a rename.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LIMIT_BYTES = 128_000_000

_Key = tuple[int, int, int, int, tuple[str, ...]]


class ColumnCache:
    """Tables of some columns of files, the least recently used of which go first."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[_Key, pa.Table] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        """Return those of the columns that a file has, in their order."""
        found = path.stat()
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, tuple(columns))
        with self._lock:
            table = self._kept.get(key)
            if table is not None:
                self._kept.move_to_end(key)
                return table
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            table = file.read(columns=[name for name in columns if name in present])
        with self._lock:
            if key not in self._kept:
                self._kept[key] = table
                self.bytes += table.nbytes
            while self.bytes > self._limit and self._kept:
                _, oldest = self._kept.popitem(last=False)
                self.bytes -= oldest.nbytes
        return table


shared = ColumnCache()
