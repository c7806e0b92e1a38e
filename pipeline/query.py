"""Read-only SQL over a store: one DuckDB view per dataset, and no way to touch a file.

DuckDB reads the Parquet through Arrow datasets that are opened here, which lets the connection
run with its own access to files, extensions and the network switched off. Refusing statements by
kind would not be enough: `WITH x AS (COPY …) SELECT …` counts as a SELECT.
"""

from __future__ import annotations

import difflib
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads

from pipeline.errors import UserError, one_line
from transforms.parquet_io import plain_schema
from transforms.parts import PART_FILES
from transforms.schemas import DATASETS, Dataset

PARTITION = pa.field("date", pa.date32())

READING = {"SELECT", "EXPLAIN", "MULTI"}

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@dataclass(frozen=True)
class ViewInfo:
    """One view as a person meets it: its name, its columns with SQL types, its rows."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int


def view_schema(dataset: Dataset) -> pa.Schema:
    """Return the dataset's schema as readers see it: text for enums, `date` where it is cut."""
    return pa.schema([*plain_schema(dataset), *([PARTITION] if dataset.partition_by else [])])


def open_store(output: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with one view per dataset of the store at `output`, times in UTC.

    A dataset without files is an empty view with the right types; a file that an older version
    wrote shows null in newer columns. Raises UserError where `output` holds no dataset at all.
    """
    if not output.is_dir():
        raise UserError(
            f"{output}: no such folder; make one with 'newsalign run', or name yours with --output"
        )
    if not any((output / name).is_dir() for name in DATASETS):
        raise UserError(f"{output}: holds none of the datasets that 'newsalign run' writes")
    # Only made when a query outgrows memory, and removed with the connection.
    spill = Path(tempfile.gettempdir()) / f"newsalign-spill-{secrets.token_hex(8)}"
    connection = duckdb.connect(":memory:", config={**_CONFIG, "temp_directory": str(spill)})
    connection.execute("SET TimeZone = 'UTC'")
    for dataset in DATASETS.values():
        connection.register(dataset.name, _open_dataset(output, dataset))
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _open_dataset(output: Path, dataset: Dataset) -> pads.Dataset | pa.Table:
    base = output / dataset.name
    schema = view_schema(dataset)
    files = sorted(str(path) for path in base.rglob(PART_FILES) if path.is_file())
    if not files:
        return schema.empty_table()
    partitioning = None
    if dataset.partition_by:
        partitioning = pads.partitioning(pa.schema([PARTITION]), flavor="hive")
    return pads.dataset(
        files,
        schema=schema,
        format="parquet",
        partitioning=partitioning,
        partition_base_dir=str(base),
    )


def select(
    connection: duckdb.DuckDBPyConnection, sql: str, params: list[Any] | None = None
) -> pa.RecordBatchReader:
    """Run one reading statement and return its rows as Arrow batches.

    Raises UserError, one line with what there is to ask for, on anything DuckDB refuses.
    """
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise UserError(f"one SQL statement at a time, please: got {len(statements)}")
        kind = statements[0].type.name
        if kind not in READING:
            raise UserError(
                f"query only reads, {kind} is refused; --to FILE writes a result to a file"
            )
        relation = connection.sql(statements[0], params=params)
        if relation is None:
            raise UserError("the statement gives no rows")
        reader = relation.to_arrow_reader(10_000)
    except duckdb.Error as error:
        raise UserError(explain_error(str(error), sql)) from error
    assert reader is not None
    return pa.RecordBatchReader.from_batches(reader.schema, _batches(reader, sql))


def _batches(reader: pa.RecordBatchReader, sql: str) -> Iterator[pa.RecordBatch]:
    # DuckDB works while it is read; its errors arrive through Arrow, as OSError among others.
    try:
        yield from reader
    except (OSError, pa.ArrowException) as error:
        raise UserError(explain_error(str(error), sql)) from error


def list_views(connection: duckdb.DuckDBPyConnection) -> list[ViewInfo]:
    """Return every view with its columns and its number of rows."""
    views = []
    for name in DATASETS:
        relation = connection.table(name)
        columns = tuple((c, str(t)) for c, t in zip(relation.columns, relation.types, strict=True))
        count = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        views.append(ViewInfo(name, columns, count[0] if count else 0))
    return views


_MISSING_COLUMN = re.compile(r'column "?([^"]+?)"? (?:not found|was not found)', re.IGNORECASE)
_MISSING_TABLE = re.compile(r"Table with name (\S+) does not exist")
_KIND = re.compile(r"^[A-Z][\w ]+ Error: ")
_POINTER = re.compile(r"\n\s*LINE \d+:.*", re.DOTALL)
_SUGGESTION = re.compile(r"\s*(?:Did you mean|Candidate bindings:?).*", re.DOTALL)


def explain_error(message: str, sql: str) -> str:
    """Return a DuckDB message in one line, with the views or the columns that the query could mean.

    DuckDB's own candidates are left out: they name its internal tables.
    """
    text = one_line(_KIND.sub("", _SUGGESTION.sub("", _POINTER.sub("", message)))).rstrip("!.")
    table = _MISSING_TABLE.search(message)
    if table:
        close = difflib.get_close_matches(table[1].lower(), DATASETS, n=1)
        guess = f"; did you mean {close[0]}?" if close else "."
        return f"{text}{guess} Views: {', '.join(DATASETS)}"
    if _MISSING_COLUMN.search(message):
        words = set(re.findall(r"\w+", sql.lower()))
        used = [name for name in DATASETS if name in words]
        columns = [f"{name}({', '.join(view_schema(DATASETS[name]).names)})" for name in used]
        return f"{text}. Columns: {'; '.join(columns)}" if columns else text
    return text
