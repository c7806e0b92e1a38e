"""Staging: every partition that a batch touches is written anew beside the store, never in it.

A staged file holds what the partition will hold: its present rows, less those that the batch
clears or replaces, plus the batch's own. `pipeline.store` renames staged files into place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from transforms.parquet_io import Row, partition_path, read_rows, write_rows
from transforms.schemas import DATASETS


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


Change = Rows | Clear | ClearAll


def merge_rows(dataset_name: str, present: Iterable[Row], changes: Iterable[Change]) -> list[Row]:
    """Return a partition's rows after the changes; a new row replaces one of the same key."""
    dataset = DATASETS[dataset_name]
    fresh: dict[tuple[object, ...], Row] = {}
    cleared: dict[str, set[str]] = {}
    clear_all = False
    for change in changes:
        if isinstance(change, ClearAll):
            clear_all = True
        elif isinstance(change, Clear):
            cleared.setdefault(change.column, set()).add(change.value)
        else:
            for row in change.rows:
                fresh[tuple(row[name] for name in dataset.key)] = row
    kept = {}
    if not clear_all:
        for row in present:
            if not any(row[column] in values for column, values in cleared.items()):
                kept[tuple(row[name] for name in dataset.key)] = row
    return list({**kept, **fresh}.values())


def stage(root: Path, staging: Path, place: Place, changes: Iterable[Change]) -> Staged:
    """Write the partition `place` of the store at `root`, with its changes, under `staging`."""
    dataset = DATASETS[place.dataset]
    day = place.day or None
    present = read_rows(dataset, partition_path(root, dataset, day))
    rows = merge_rows(place.dataset, present, changes)
    path = partition_path(staging, dataset, day)
    count = write_rows(dataset, rows, path)
    return Staged(place, path.relative_to(staging).as_posix(), count)


def staged_or_stored(
    root: Path, staging: Path, staged: Mapping[tuple[str, str], str], place: Place
) -> Path:
    """Return where a partition's rows are now: in the staging folder if touched, else stored."""
    relative = staged.get((place.dataset, place.day))
    if relative is not None:
        return staging / relative
    return partition_path(root, DATASETS[place.dataset], place.day or None)
