"""Checks of files, one by one: names, schemas, checksums, and the journal's lines."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.journal import Journal
from pipeline.maintenance.problems import Findings
from pipeline.store.checksums import FileSum, all_files, noted_files, sum_file
from pipeline.store.layout import Layout
from transforms.parquet_io import PART
from transforms.parts import BY_TIME, BY_WINDOW, file_parts, number_of, stated_parts
from transforms.schemas import DATASETS, SCHEMA_VERSION, Dataset
from transforms.segments import JournalDamagedError, JournalSlice, read_slice, segment_length

_FOLDER = re.compile(r"date=\d{4}-\d\d-\d\d")
Found = Iterator[tuple[str, str]]


def check_files(layout: Layout, findings: Findings) -> set[str]:
    """Check every file of every dataset; returns the datasets with a file that can't be read,
    or not as its schema says.
    """
    damaged: set[str] = set()
    for path in all_files(layout.root):
        where = path.relative_to(layout.root).as_posix()
        dataset = DATASETS[where.partition("/")[0]]
        findings.files += 1
        findings.bytes += path.stat().st_size
        findings.check("layout", ((where, what) for what in _misplaced(dataset, path)))
        if path.suffix != ".parquet":
            continue
        try:
            faults = [(where, what) for what in _schema_faults(dataset, path)]
            findings.check("schema", faults)
            if faults:
                damaged.add(dataset.name)
            findings.rows += _read_all(path)
        except (OSError, pa.ArrowException) as error:
            damaged.add(dataset.name)
            findings.check("readable", [(where, _first_line(error))])
    findings.check("readable", ())
    return damaged


def check_sums(layout: Layout, findings: Findings) -> None:
    """Compare every file with the size and checksum that its commit noted."""
    try:
        noted = noted_files(layout.index)
    except sqlite3.DatabaseError:
        return
    findings.check("checksums", _other_sums(layout, noted))


def check_journal(layout: Layout, findings: Findings) -> None:
    """Read every journal segment that is not wholly committed, each line with its checksum."""
    findings.check("journal", _journal_faults(layout))


def _misplaced(dataset: Dataset, path: Path) -> Iterator[str]:
    folder = path.parent.name
    if dataset.partition_by is None:
        if folder != dataset.name:
            yield "this dataset has no partitions"
    elif not _FOLDER.fullmatch(folder) or path.parent.parent.name != dataset.name:
        yield "not in a partition date=YYYY-MM-DD"
    else:
        try:
            date.fromisoformat(folder.removeprefix("date="))
        except ValueError:
            yield "no such date"
    if path.suffix != ".parquet":
        yield "not a file of the store"
    elif dataset.partition_by is not None and (parts := _parts(dataset, path)) > 1:
        yield from _of_other_parts(dataset, path, parts)
    elif path.name != PART:
        yield f"a partition has one file, {PART}; newsalign compact joins them"


def _parts(dataset: Dataset, path: Path) -> int:
    """Return of how many parts a file says to be one; one that can't be read is found elsewhere."""
    try:
        number_of(path)
        in_parts = dataset.name in BY_TIME | BY_WINDOW
        return stated_parts(pq.read_schema(path)) if in_parts else 1
    except (OSError, ValueError, pa.ArrowException):
        return 1


def _of_other_parts(dataset: Dataset, path: Path, parts: int) -> Iterator[str]:
    number = number_of(path)
    others = file_parts(dataset, path, parts) - {number}
    if others:
        named = ", ".join(map(str, sorted(others)))
        yield f"is part {number} of {parts} and holds rows of other parts: {named}"


def _schema_faults(dataset: Dataset, path: Path) -> Iterator[str]:
    found = pq.read_schema(path)
    metadata = found.metadata or {}
    name = metadata.get(b"dataset", b"").decode(errors="replace")
    if name != dataset.name:
        yield f"says that it is of {name or 'no dataset'}"
    version = metadata.get(b"schema_version", b"")
    if not version.isdigit():
        yield "states no schema version"
    elif int(version) > SCHEMA_VERSION:
        yield f"has schema version {int(version)}; this program knows up to {SCHEMA_VERSION}"
    known = dict(dataset.columns)
    for field in found:
        if field.name not in known:
            yield f"has a column {field.name} that its schema lacks"
        elif field.type != known[field.name]:
            yield f"column {field.name} is {field.type}, not {known[field.name]}"
    if version == str(SCHEMA_VERSION).encode():
        for missing in sorted(set(known) - set(found.names)):
            yield f"lacks the column {missing}"


def _read_all(path: Path) -> int:
    """Read a file to its end, each page against the checksum that it carries."""
    rows = 0
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches():
            rows += batch.num_rows
        if rows != file.metadata.num_rows:
            raise OSError(f"holds {rows} rows and says {file.metadata.num_rows}")
    return rows


def _other_sums(layout: Layout, noted: dict[str, FileSum]) -> Found:
    present = {path.relative_to(layout.root).as_posix(): path for path in all_files(layout.root)}
    for where, path in present.items():
        if where not in noted:
            yield where, "was not written by this program"
        elif sum_file(layout.root, path) != noted[where]:
            yield where, "is not what was written"
    for where in sorted(noted.keys() - present.keys()):
        yield where, "is missing"


def _journal_faults(layout: Layout) -> Found:
    for part in Journal(layout.journal).pending():
        path = Path(part.path)
        length = segment_length(path)
        try:
            lines = sum(1 for _ in read_slice(JournalSlice(part.path, 0, length)))
        except JournalDamagedError as error:
            yield path.name, _first_line(error).removeprefix(f"{part.path}: ")
            continue
        if lines != length:
            yield path.name, f"holds {lines} records and says {length}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
