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
# Of a file: what it held before a batch, and after.
VERSIONS = 2

_Key = tuple[str, tuple[str, ...]]
_Identity = tuple[int, int, int, int]


class ColumnCache:
    """Tables of some columns of files, the least recently used of which go first.

    Of files that take each other's place (dataset, date and name are the same), staged or stored,
    the last versions are kept.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[_Key, dict[_Identity, pa.Table]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        """Return those of the columns that a file has, in their order."""
        found = path.stat()
        identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        key = ("/".join(path.parts[-3:]), tuple(columns))
        with self._lock:
            table = self._kept.get(key, {}).get(identity)
            if table is not None:
                self._kept.move_to_end(key)
                return table
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            table = file.read(columns=[name for name in columns if name in present])
        with self._lock:
            self._keep(key, identity, table)
        return table

    def _keep(self, key: _Key, identity: _Identity, table: pa.Table) -> None:
        versions = self._kept.setdefault(key, {})
        self._kept.move_to_end(key)
        if identity in versions:
            return
        versions[identity] = table
        self.bytes += table.nbytes
        while len(versions) > VERSIONS:
            self.bytes -= versions.pop(next(iter(versions))).nbytes
        while self.bytes > self._limit and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= sum(one.nbytes for one in oldest.values())


shared = ColumnCache()
