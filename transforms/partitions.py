"""Staging: every partition that a batch touches is written anew beside the store, never in it.

A staged file holds what the partition will hold: its present rows, less those that the batch
clears or replaces, plus the batch's own. `pipeline.store` renames staged files into place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from transforms.parquet_io import (
    Row,
    partition_date,
    plain_schema,
    read_table,
    write_table,
)
from transforms.parts import (
    holds,
    number_of,
    part_files,
    part_number,
    part_path,
    parts_of,
    with_parts,
)
from transforms.schemas import DATASETS, Dataset


@dataclass(frozen=True, slots=True)
class Place:
    """One partition of the store: a dataset and a date, "" for a dataset without partitions."""

    dataset: str
    day: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove the rows whose `column` holds `value` before the batch's rows are added."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to add; an element of a dataclass is encoded as one thing, a dict value by value."""

    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged file, at the path in the staging folder that it will have in the store; `rows` 0
    means that the file goes away.
    """

    place: Place
    path: str
    rows: int


Change = Rows | Clear


def place_rows(dataset: Dataset, rows: Iterable[Row]) -> Iterator[tuple[Place, Change]]:
    """Yield rows by the partition that they belong to, as one change a partition."""
    places: dict[Place, list[Row]] = {}
    for row in rows:
        place = Place(dataset.name, partition_date(dataset, row) or "")
        places.setdefault(place, []).append(row)
    for place, placed in places.items():
        yield place, Rows(placed)


def _merged(
    dataset: Dataset, kept: pa.Table, fresh: Iterable[Row], cleared: Mapping[str, set[str]]
) -> pa.Table:
    """Return a file's rows less what is cleared, with the new ones, in order."""
    # What is stored may be much more than what is new: no row of it becomes a Python object.
    for column, values in cleared.items():
        known = pa.array(sorted(values), pa.string())
        kept = kept.filter(pc.invert(pc.is_in(kept[column].cast(pa.string()), value_set=known)))
    added = pa.Table.from_pylist(list(fresh), schema=dataset.schema)
    plain = plain_schema(dataset)
    return in_order(dataset, pa.concat_tables([kept.cast(plain), added.cast(plain)]))


def in_order(dataset: Dataset, table: pa.Table) -> pa.Table:
    """Return a table with enums as text in the dataset's order and schema.

    It has the bytes that its rows would have: enums are encoded in order of appearance.
    """
    table = table.combine_chunks()
    table = table.sort_by([(name, "ascending") for name in dataset.order]).combine_chunks()
    columns = [
        table[name].dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else table[name]
        for name, kind in dataset.columns
    ]
    return pa.table(columns, schema=dataset.schema)


def _gather(dataset: Dataset, changes: Iterable[Change]) -> tuple[list[Row], dict[str, set[str]]]:
    """Return the new rows, and by column the values that are cleared: also the new rows' keys.

    Where two new rows have one key, the later stays. Datasets that are changed row by row have one
    text column as key.
    """
    (key,) = dataset.key
    fresh: dict[str, Row] = {}
    cleared: dict[str, set[str]] = {}
    for change in changes:
        if isinstance(change, Clear):
            cleared.setdefault(change.column, set()).add(change.value)
        else:
            fresh.update((row[key], row) for row in change.rows)
    cleared.setdefault(key, set()).update(fresh)
    return list(fresh.values()), cleared


def stage(
    root: Path, staging: Path, place: Place, changes: Iterable[Change], new_parts: int = 1
) -> Iterator[Staged]:
    """Write the files of a partition that its changes touch under `staging`, and yield them.

    `root` is the store. A partition that isn't there yet is made of `new_parts` parts, where its
    dataset may have parts.
    """
    dataset, day = DATASETS[place.dataset], place.day or None
    fresh, cleared = _gather(dataset, changes)
    parts = parts_of(root, dataset, day, new_parts)
    added: dict[int, list[Row]] = {} if parts > 1 else {0: fresh}
    touched: list[int] = []
    if parts > 1:
        assert dataset.partition_by is not None
        for row in fresh:
            added.setdefault(part_number(row[dataset.partition_by], parts), []).append(row)
        # Parts that neither get rows nor lose some stay as they are.
        stored = {number_of(path): path for path in part_files(root, dataset, day)}
        touched = [n for n, path in stored.items() if n not in added and holds(path, cleared)]
    for number in sorted({*added, *touched}):
        present = read_table(dataset, part_path(root, dataset, day, number))
        table = _merged(dataset, present, added.get(number, []), cleared)
        path = part_path(staging, dataset, day, number)
        write_table(with_parts(table, parts), path)
        yield Staged(place, path.relative_to(staging).as_posix(), len(table))
