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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from pipeline.errors import FAILED, UserError, one_line
from transforms.parquet_io import PART, plain_schema
from transforms.parts import PART_FILES, stated_parts
from transforms.schemas import DATASETS, Dataset

PARTITION = pa.field("date", pa.date32())

READING = {"SELECT", "EXPLAIN", "MULTI"}
# What a file that was there when the store was opened, and isn't any more, is called.
GONE = "No such file or directory"
CHANGED = "the store was changed while it was read; ask once more"

Answer = TypeVar("Answer")

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


class StoreChangedError(UserError):
    """A file went before it was read: a commit has joined or dropped it."""

    def __init__(self) -> None:
        super().__init__(CHANGED, FAILED)


def ask_store(output: Path, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    """Return what `ask` makes of the store at `output`, opened as `open_store` does.

    It is asked once more where a file has gone since the store was opened, so it must say nothing
    of what it finds before it has the first rows. Raises StoreChangedError where one has again.
    """
    try:
        return _ask(output, ask)
    except StoreChangedError:
        return _ask(output, ask)


def _ask(output: Path, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    try:
        opened = open_store(output)
    except FileNotFoundError as error:
        raise StoreChangedError from error
    with opened as connection:
        try:
            return ask(connection)
        except duckdb.Error as error:
            if GONE in str(error):
                raise StoreChangedError from error
            raise


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
    files = sorted(map(str, _current(base.rglob(PART_FILES))))
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


def _current(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that count: others of a date that is one file are what was joined to it."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        if path.is_file():
            folders.setdefault(path.parent, []).append(path)
    for folder, files in folders.items():
        joined = len(files) > 1 and folder / PART in files and not _is_part(folder / PART)
        yield from [folder / PART] if joined else files


def _is_part(path: Path) -> bool:
    try:
        return stated_parts(pq.read_schema(path)) > 1
    except pa.ArrowException:
        return True  # it can't be read, which whoever reads it is to see


def select(
    connection: duckdb.DuckDBPyConnection, sql: str, params: list[Any] | None = None
) -> pa.RecordBatchReader:
    """Run one reading statement and return its rows as Arrow batches.

    Raises UserError, one line with what there is to ask for, on anything DuckDB refuses, and
    StoreChangedError where a file went before there was a row.
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
        assert reader is not None
        # The first batch comes now: until there is a row, the question can be asked again.
        first = list(islice(reader, 1))
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if GONE in str(error):
            raise StoreChangedError from error
        raise UserError(explain_error(str(error), sql)) from error
    batches = chain(first, _batches(reader, sql))
    return pa.RecordBatchReader.from_batches(reader.schema, batches)


def _batches(reader: pa.RecordBatchReader, sql: str) -> Iterator[pa.RecordBatch]:
    # DuckDB works while it is read; its errors arrive through Arrow, as OSError among others.
    try:
        yield from reader
    except (OSError, pa.ArrowException) as error:
        if GONE in str(error):
            raise UserError(CHANGED, FAILED) from error
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
