"""A reader that polls a store until it is told to stop: `python kill_reader.py STORE REPORT`.

Each round it opens every file that is there, reads it to the end, and asks for all of some datasets
at once: DuckDB, as others would, which must be able to read all, and newsalign's own way, which
must find no key twice. A file that is gone since it was listed is no fault; anything else that
can't be read is. DuckDB opens a file more than once a query, so that one that is replaced in
between doesn't fit its footer: such a query is asked again, and must work then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import duckdb
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.query import StoreChangedError, ask_store, select
from transforms.schemas import ALIGNMENTS, ARTICLES, Dataset

PAUSE_S = 0.2
TRIES = 5
GONE = ("No such file or directory", "No files found")
# Those whose rows never move from one file to another but when files are joined.
UNIQUE = (ARTICLES, ALIGNMENTS)


class Reader:
    """Polls; `failures` are what could not be read, with the error, and keys that came twice."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.stopped = False
        self.rounds = self.files = self.gone = self.asked_again = self.rows = 0
        self.failures: list[str] = []

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def poll(self) -> None:
        while not self.stopped:
            for path in sorted(self._root.glob("[a-z]*/**/*.parquet")):
                self._read(path)
            for dataset in ("stances", "alignments"):
                self._ask(dataset)
            for unique in UNIQUE:
                self._count(unique)
            self.rounds += 1
            time.sleep(PAUSE_S)

    def _read(self, path: Path) -> None:
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                rows = file.read().num_rows
            if rows == 0:
                self.failures.append(f"{path}: no rows")
            self.files += 1
        except FileNotFoundError:
            self.gone += 1
        except Exception as error:
            self.failures.append(f"{path}: {type(error).__name__}: {error}")

    def _ask(self, dataset: str) -> None:
        files = f"{self._root}/{dataset}/**/*.parquet"
        query = f"SELECT count(*), sum(hash(t)) FROM read_parquet('{files}') AS t"
        for tries_left in reversed(range(TRIES)):
            try:
                duckdb.sql(query).fetchall()
                return
            except duckdb.Error as error:
                if any(mark in str(error) for mark in GONE):
                    self.gone += 1
                    return
                self.asked_again += 1
                if not tries_left:
                    self.failures.append(f"{files}: {error}")

    def _count(self, dataset: Dataset) -> None:
        """Count a dataset's rows and keys."""
        key = ", ".join(dataset.key)
        sql = f"SELECT count(*) AS n, count(DISTINCT ({key})) AS keys FROM {dataset.name}"
        try:
            found = ask_store(self._root, lambda store: select(store, sql).read_all().to_pylist())
        except StoreChangedError:
            self.gone += 1
            return
        except UserError as error:
            # Until the first commit there is nothing to open.
            if any((self._root / dataset.name).glob("*/*.parquet")):
                self.failures.append(f"{dataset.name}: {error}")
            return
        rows, keys = found[0].values()
        self.rows += rows
        if rows != keys:
            self.failures.append(f"{dataset.name}: {rows} rows have {keys} keys")


def main(store: str, report: str) -> None:
    os.nice(5)
    reader = Reader(Path(store))
    signal.signal(signal.SIGTERM, reader.stop)
    reader.poll()
    found = {
        name: getattr(reader, name)
        for name in ("rounds", "files", "rows", "gone", "asked_again", "failures")
    }
    Path(report).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
