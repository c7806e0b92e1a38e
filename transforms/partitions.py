"""Staging: every partition that a batch touches is written anew beside the store, never in it.

A staged file holds what the partition will hold: its present rows, less those that the batch
clears or replaces, plus the batch's own. `pipeline.store` renames staged files into place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.parquet_io import (
    Row,
    partition_date,
    partition_path,
    read_rows,
    read_table,
    write_rows,
    write_table,
)
from transforms.schemas import DATASETS, Dataset


@dataclass(frozen=True, slots=True)
class Place:
    """One file of the store: a dataset and its partition's date, "" for an unpartitioned one."""

    dataset: str
    day: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove the rows whose `column` holds `value` before the batch's rows are added."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class ClearAll:
    """Remove every row that is there: the batch brings the whole partition."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to add; an element of a dataclass is encoded as one thing, a dict value by value."""

    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged file, relative to the staging folder; `rows` 0 means the partition goes away."""

    place: Place
    path: str
    rows: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows to add, column by column and in any order, where there are too many for objects."""

    columns: Mapping[str, Sequence[Any]]


Change = Rows | Columns | Clear | ClearAll


def place_rows(dataset: Dataset, rows: Iterable[Row]) -> Iterator[tuple[Place, Change]]:
    """Yield rows by the partition that they belong to, as one change a partition."""
    places: dict[Place, list[Row]] = {}
    for row in rows:
        place = Place(dataset.name, partition_date(dataset, row) or "")
        places.setdefault(place, []).append(row)
    for place, placed in places.items():
        yield place, Rows(placed)


def merge_rows(dataset_name: str, present: Iterable[Row], changes: Iterable[Change]) -> list[Row]:
    """Return a partition's rows after the changes; a new row replaces one of the same key."""
    dataset = DATASETS[dataset_name]
    fresh, cleared, clear_all = _gather(dataset, changes)
    kept = {}
    if not clear_all:
        for row in present:
            if not any(row[column] in values for column, values in cleared.items()):
                kept[tuple(row[name] for name in dataset.key)] = row
    return list({**kept, **fresh}.values())


def merge_table(dataset: Dataset, present: pa.Table, changes: Iterable[Change]) -> pa.Table:
    """Return what `merge_rows` does, sorted, for a dataset whose key is one text column.

    The table has the bytes that the rows would have: enums are encoded in order of appearance.
    """
    (key,) = dataset.key
    fresh, cleared, clear_all = _gather(dataset, changes)
    kept = present.slice(0, 0) if clear_all else present
    cleared.setdefault(key, set()).update(str(row[key]) for row in fresh.values())
    for column, values in cleared.items():
        known = pa.array(sorted(values), pa.string())
        kept = kept.filter(pc.invert(pc.is_in(kept[column].cast(pa.string()), value_set=known)))
    added = pa.Table.from_pylist(list(fresh.values()), schema=dataset.schema)
    return _in_order(dataset, [kept, added])


def whole_table(dataset: Dataset, changes: Iterable[Columns]) -> pa.Table:
    """Return the partition that these changes make up, sorted; each key is in one of them.

    It has the bytes that the rows would have, as in `merge_table`.
    """
    parts = [pa.Table.from_pydict(dict(c.columns), schema=_plain(dataset)) for c in changes]
    return _in_order(dataset, parts)


def _plain(dataset: Dataset) -> pa.Schema:
    """Return a dataset's schema with its enums as text."""
    return pa.schema(
        [
            pa.field(name, kind.value_type if pa.types.is_dictionary(kind) else kind)
            for name, kind in dataset.columns
        ]
    )


def _in_order(dataset: Dataset, parts: Iterable[pa.Table]) -> pa.Table:
    plain = _plain(dataset)
    table = pa.concat_tables([part.cast(plain) for part in parts]).combine_chunks()
    table = table.sort_by([(name, "ascending") for name in dataset.order]).combine_chunks()
    columns = [
        table[name].dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else table[name]
        for name, kind in dataset.columns
    ]
    return pa.table(columns, schema=dataset.schema)


def _gather(
    dataset: Dataset, changes: Iterable[Change]
) -> tuple[dict[tuple[object, ...], Row], dict[str, set[str]], bool]:
    """Return new rows by key, values to clear by column, and whether all present rows go."""
    fresh: dict[tuple[object, ...], Row] = {}
    cleared: dict[str, set[str]] = {}
    clear_all = False
    for change in changes:
        if isinstance(change, ClearAll):
            clear_all = True
        elif isinstance(change, Clear):
            cleared.setdefault(change.column, set()).add(change.value)
        else:
            for row in _rows_of(change):
                fresh[tuple(row[name] for name in dataset.key)] = row
    return fresh, cleared, clear_all


def _rows_of(change: Rows | Columns) -> Iterable[Row]:
    if isinstance(change, Rows):
        return change.rows
    names = list(change.columns)
    return [
        dict(zip(names, row, strict=True)) for row in zip(*change.columns.values(), strict=True)
    ]


def stage(root: Path, staging: Path, place: Place, changes: Iterable[Change]) -> Staged:
    """Write the partition `place` of the store at `root`, with its changes, under `staging`."""
    dataset = DATASETS[place.dataset]
    day = place.day or None
    stored = partition_path(root, dataset, day)
    path = partition_path(staging, dataset, day)
    changes = list(changes)
    columns = [change for change in changes if isinstance(change, Columns)]
    whole = any(isinstance(change, ClearAll) for change in changes)
    if whole and columns and not any(isinstance(change, Rows) for change in changes):
        table = whole_table(dataset, columns)
        write_table(table, path)
        count = len(table)
    elif len(dataset.key) == 1:
        # What is stored may be much more than what is new: no row of it becomes a Python object.
        table = merge_table(dataset, read_table(dataset, stored), changes)
        write_table(table, path)
        count = len(table)
    else:
        present = [] if whole else read_rows(dataset, stored)
        count = write_rows(dataset, merge_rows(place.dataset, present, changes), path)
    return Staged(place, path.relative_to(staging).as_posix(), count)


def staged_or_stored(
    root: Path, staging: Path, staged: Mapping[tuple[str, str], str], place: Place
) -> Path:
    """Return where a partition's rows are now: in the staging folder if touched, else stored."""
    relative = staged.get((place.dataset, place.day))
    if relative is not None:
        return staging / relative
    return partition_path(root, DATASETS[place.dataset], place.day or None)
