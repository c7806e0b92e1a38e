"""The files of a partition as one file: rows stay Arrow's, and parts go through one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.count_windows import COUNTED_BY
from transforms.parquet_io import conform, plain_schema, write_table, write_tables
from transforms.partitions import in_order
from transforms.parts import read_columns, stated_parts
from transforms.schemas import ROW_GROUP_ROWS, Dataset


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of a partition's files: rows of the one file, and rows whose key came twice."""

    rows: int
    same_key: int


def are_parts(files: Sequence[Path]) -> bool:
    """Return whether all files say to be parts of a partition of as many."""
    stated = {stated_parts(pq.read_schema(path)) for path in files}
    return len(stated) == 1 and stated != {1}


def join_files(dataset: Dataset, files: Sequence[Path], path: Path) -> Joined:
    """Write the rows of all files to `path`; of two with the same key the first file's stays.

    A date in parts may be larger than memory: no more than a part and a row group is held at once.
    """
    schema = _described(dataset, files)
    if are_parts(files) and _follow_each_other(dataset, files):
        write_tables(schema, _row_groups(dataset, files, schema), path)
        return Joined(sum(pq.read_metadata(file).num_rows for file in files), 0)
    table = pa.concat_tables([_read(dataset, file) for file in files])
    kept = _first_of_each_key(dataset, table)
    write_table(in_order(dataset, kept).replace_schema_metadata(schema.metadata), path)
    return Joined(len(kept), len(table) - len(kept))


def _described(dataset: Dataset, files: Sequence[Path]) -> pa.Schema:
    """Return the dataset's schema, with how all files say that their rows were counted."""
    rules = {(pq.read_schema(path).metadata or {}).get(COUNTED_BY) for path in files}
    rule = rules.pop() if len(rules) == 1 else None
    told = {} if rule is None else {COUNTED_BY: rule}
    return dataset.schema.with_metadata({**(dataset.schema.metadata or {}), **told})


def _read(dataset: Dataset, path: Path) -> pa.Table:
    """Return a file's rows with enums as text; raises ArrowInvalid where it has been damaged, which
    the checksum of the joined file would hide.
    """
    try:
        table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except OSError as error:
        raise pa.ArrowInvalid(f"{path}: {error}") from error
    return conform(table, plain_schema(dataset))


def _follow_each_other(dataset: Dataset, files: Sequence[Path]) -> bool:
    """Return whether the files' rows, one file after the other, are in order and no key's twice."""
    columns = list(dict.fromkeys((*dataset.order, *dataset.key)))
    table = read_columns(dataset, files, columns)
    places = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in dataset.order])
    in_place = bool(pc.all(pc.equal(places, pa.array(range(len(table)), places.type))).as_py())
    return in_place and len(_first_of_each_key(dataset, table)) == len(table)


def _first_of_each_key(dataset: Dataset, table: pa.Table) -> pa.Table:
    keys = table.select(dataset.key).append_column("row", pa.array(range(len(table))))
    first = keys.group_by(list(dataset.key)).aggregate([("row", "min")])["row_min"]
    return table if len(first) == len(table) else table.take(first.combine_chunks().sort())


def _row_groups(dataset: Dataset, files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the files' rows by row group, as one table of all of them would be written."""
    enums = {name for name, kind in dataset.columns if pa.types.is_dictionary(kind)}
    values = {
        name: read_columns(dataset, files, [name])[name].unique().drop_null() for name in enums
    }
    for group in _in_groups(_read(dataset, path) for path in files):
        table = group.combine_chunks()
        columns = [
            _encode(table[name], values[name]).cast(kind) if name in enums else table[name]
            for name, kind in dataset.columns
        ]
        yield pa.table(columns, schema=schema)


def _in_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    held = next(tables)
    for table in tables:
        while len(held) >= ROW_GROUP_ROWS:
            yield held.slice(0, ROW_GROUP_ROWS)
            held = held.slice(ROW_GROUP_ROWS)
        held = pa.concat_tables([held, table])
    for start in range(0, len(held), ROW_GROUP_ROWS):
        yield held.slice(start, ROW_GROUP_ROWS)


def _encode(column: pa.ChunkedArray, values: pa.Array) -> pa.DictionaryArray:
    indices = pc.index_in(column.combine_chunks(), value_set=values)
    return pa.DictionaryArray.from_arrays(indices, values)
