"""A date's partition in parts: files that each hold the rows of one span of the day.

Whoever writes every few seconds rewrites the span that the news comes from, and not the day so
far. The number of spans is fixed when a partition is made and stands in the metadata of its files.
What is counted has a part for the day, one for each of its hours, and one for the week.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import column_cache
from transforms.aggregate import monday
from transforms.parquet_io import Row, conform, partition_path, plain_schema, read_rows
from transforms.schemas import ALIGNMENTS, ARTICLES, COMENTIONS, COVERAGE, STANCES, Dataset

BY_TIME = frozenset({ARTICLES.name, STANCES.name})
BY_WINDOW = frozenset({ALIGNMENTS.name, COMENTIONS.name, COVERAGE.name})
# In the order of their rows: the day's part, its hours', and that of the week that begins on it.
WINDOW_PARTS = 26
_DAY, _WEEK = 0, WINDOW_PARTS - 1
PARTS_KEY = b"parts_per_day"
PART_FILES = "part-*.parquet"
_PART_NAME = re.compile(r"part-(\d{5})\.parquet")
DAY_S = 86_400
# Before now: the dates that most of what comes in belongs to.
PARTS_FOR = timedelta(days=1)


def part_number(moment: datetime, parts: int) -> int:
    """Return the span of its UTC day, of `parts` equal ones, that a moment lies in."""
    clock = moment.astimezone(UTC)
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    return seconds * parts // DAY_S


def window_parts(granularity: pa.ChunkedArray, start: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the parts that windows' rows belong to."""
    named = granularity.cast(pa.string())
    hours = pc.add(pc.hour(start), 1)
    longer = pc.if_else(pc.equal(named, "day"), _DAY, _WEEK)
    return pc.if_else(pc.equal(named, "hour"), hours, longer).cast(pa.int32())


def file_parts(dataset: Dataset, path: Path, parts: int) -> set[int]:
    """Return the parts that the rows of a file belong to."""
    if dataset.name in BY_WINDOW:
        table = pq.read_table(path, columns=["granularity", "window_start"], partitioning=None)
        return set(window_parts(table["granularity"], table["window_start"]).to_pylist())
    assert dataset.partition_by is not None
    moments = pq.read_table(path, columns=[dataset.partition_by], partitioning=None)
    return {part_number(moment, parts) for moment in moments[dataset.partition_by].to_pylist()}


def in_use_since(dataset: Dataset, today: date) -> str:
    """Return the date from which on a stream makes and keeps partitions in parts.

    A Monday's partition of what is counted is rewritten all week.
    """
    first = (today - PARTS_FOR).isoformat()
    return monday(first) if dataset.name in BY_WINDOW else first


def part_path(root: Path, dataset: Dataset, day: str | None, number: int) -> Path:
    """Return the file of one part of a partition."""
    return partition_path(root, dataset, day).with_name(f"part-{number:05d}.parquet")


def number_of(path: Path) -> int:
    """Return the number of a part's file; raises ValueError for another file."""
    named = _PART_NAME.fullmatch(path.name)
    if named is None:
        raise ValueError(f"{path.name}: not the name of a part")
    return int(named[1])


def with_parts(table: pa.Table, parts: int) -> pa.Table:
    """Return a table whose file says of how many parts its partition is, if of several."""
    if parts == 1:
        return table
    metadata = {**(table.schema.metadata or {}), PARTS_KEY: str(parts).encode()}
    return table.replace_schema_metadata(metadata)


def stated_parts(schema: pa.Schema) -> int:
    """Return of how many parts a file's partition is; 1 where the file doesn't say."""
    return int((schema.metadata or {}).get(PARTS_KEY, b"1"))


def parts_of(root: Path, dataset: Dataset, day: str | None, new: int = 1) -> int:
    """Return of how many parts a partition is, `new` where there is none yet."""
    if dataset.name not in BY_TIME | BY_WINDOW:
        return 1
    for path in part_files(root, dataset, day):
        return stated_parts(pq.read_schema(path))
    return new


def stored_files(root: Path, dataset: Dataset, day: str | None) -> list[Path]:
    """Return the files of a partition, in order of their rows' times.

    Where a partition has no parts, further files beside its one are none of this program's.
    """
    if parts_of(root, dataset, day) > 1:
        return part_files(root, dataset, day)
    path = partition_path(root, dataset, day)
    return [path] if path.exists() else []


def part_files(root: Path, dataset: Dataset, day: str | None) -> list[Path]:
    """Return all files that are named as parts of a partition, in order."""
    files = partition_path(root, dataset, day).parent.glob(PART_FILES)
    return sorted(path for path in files if _PART_NAME.fullmatch(path.name))


def overlaid(stored: Iterable[Path], staged: Iterable[Path]) -> list[Path]:
    """Return a partition's files with those that are staged in the place of the stored ones."""
    return [path for _, path in sorted({p.name: p for p in (*stored, *staged)}.items())]


def read_files(
    dataset: Dataset,
    files: Iterable[Path],
    columns: Sequence[str] | None = None,
    only: tuple[str, Iterable[str]] | None = None,
) -> Iterator[Row]:
    """Yield the rows of a partition's files as `read_rows` gives each file's.

    Of a file that holds none of the values that `only` asks for, only that column is read.
    """
    wanted = None if only is None else (only[0], frozenset(only[1]))
    every = list(files)
    for path in every:
        if wanted is None or len(every) == 1 or holds(path, {wanted[0]: wanted[1]}):
            yield from read_rows(dataset, path, columns, wanted)


def read_columns(dataset: Dataset, files: Iterable[Path], columns: Sequence[str]) -> pa.Table:
    """Return some columns of a partition's files as one table, enums as text."""
    schema = plain_schema(dataset, columns)
    tables = [conform(column_cache.shared.read(path, columns), schema) for path in files]
    return pa.concat_tables([schema.empty_table(), *tables])


def holds(path: Path, values: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a file has a row with one of the values that each column is given."""
    table = column_cache.shared.read(path, [name for name, some in values.items() if some])
    return any(
        pc.any(pc.is_in(table[name].cast(pa.string()), pa.array(values[name], pa.string()))).as_py()
        for name in table.column_names
    )
