"""Reading and writing one Parquet file of a dataset: same rows, same bytes.

Rows are plain dicts by column name. A file is written in the dataset's total order with fixed row
groups, so that its bytes depend on its rows alone (on one machine type and library version).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.schemas import ROW_GROUP_ROWS, Dataset

Row = dict[str, Any]
PART = "part-00000.parquet"


def partition_date(dataset: Dataset, row: Row) -> str | None:
    """Return the UTC date (YYYY-MM-DD) of the partition that a row belongs to, None if none."""
    if dataset.partition_by is None:
        return None
    moment: datetime = row[dataset.partition_by]
    return moment.astimezone(UTC).date().isoformat()


def partition_path(root: Path, dataset: Dataset, day: str | date | None) -> Path:
    """Return the file of one partition, or of an unpartitioned dataset where `day` is None."""
    folder = root / dataset.name
    return (folder if day is None else folder / f"date={day}") / PART


def plain_kind(kind: pa.DataType) -> pa.DataType:
    """Return text for an enum, any other type as it is."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def plain_schema(dataset: Dataset, columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the schema of a dataset, or of some columns of it, with its enums as text."""
    kinds = dict(dataset.columns)
    return pa.schema([(name, plain_kind(kinds[name])) for name in columns or kinds])


def sort_rows(dataset: Dataset, rows: Iterable[Row]) -> list[Row]:
    """Return the rows in the dataset's total order, None after every value."""

    def position(row: Row) -> tuple[tuple[bool, Any], ...]:
        return tuple((row[name] is None, row[name] or "") for name in dataset.order)

    return sorted(rows, key=position)


def write_rows(dataset: Dataset, rows: Iterable[Row], path: Path) -> int:
    """Write rows to `path`, fsync it and return their number; the folder is made if needed."""
    ordered = sort_rows(dataset, rows)
    write_table(pa.Table.from_pylist(ordered, schema=dataset.schema), path)
    return len(ordered)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in its dataset's schema and order to `path` and fsync it."""
    write_tables(table.schema, [table], path)


def write_tables(schema: pa.Schema, tables: Iterable[pa.Table], path: Path) -> None:
    """Write tables as one, each of them but the last of whole row groups, and fsync the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        with pq.ParquetWriter(
            out, schema, compression="zstd", store_schema=True, write_page_checksum=True
        ) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        out.flush()
        os.fsync(out.fileno())


def read_table(dataset: Dataset, path: Path) -> pa.Table:
    """Return a file in its dataset's schema, no rows where there is no file."""
    if not path.exists():
        return dataset.schema.empty_table()
    return conform(pq.read_table(path, partitioning=None), dataset.schema)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table in this schema; columns that it lacks are null."""
    present = set(table.column_names)
    columns = [
        table[field.name].cast(field.type)
        if field.name in present
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def read_rows(
    dataset: Dataset,
    path: Path,
    columns: Sequence[str] | None = None,
    only: tuple[str, Iterable[str]] | None = None,
) -> list[Row]:
    """Return a file's rows, [] where there is no file; columns that it lacks come as None.

    `only` keeps the rows whose column holds one of the given strings.
    """
    if not path.exists():
        return []
    wanted = list(columns) if columns is not None else list(dataset.schema.names)
    file = pq.ParquetFile(path)
    present = set(file.schema_arrow.names)
    needed = [name for name in wanted if name in present]
    if only is not None and only[0] not in needed:
        needed.append(only[0])
    table = file.read(columns=needed)
    if only is not None:
        values = table.column(only[0])
        if pa.types.is_dictionary(values.type):
            values = values.cast(pa.string())
        table = table.filter(pc.is_in(values, value_set=pa.array(sorted(only[1]), pa.string())))
    rows: list[Row] = table.to_pylist()
    missing = [name for name in wanted if name not in present]
    for row in rows:
        for name in missing:
            row[name] = None
    return rows


def iter_rows(dataset: Dataset, path: Path, size: int) -> Iterator[list[Row]]:
    """Yield the rows that `read_rows` gives, `size` of them at a time."""
    with pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        missing = {name: None for name in dataset.schema.names if name not in present}
        needed = [name for name in dataset.schema.names if name in present]
        for batch in file.iter_batches(size, columns=needed):
            yield [{**row, **missing} for row in batch.to_pylist()]
