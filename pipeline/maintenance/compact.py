"""`newsalign compact`: one file a partition, in the present schema and form; leftovers go.

A stream writes its dates in parts: those of dates that are over become one file. More files than
one also come from stores put together by copying, other tools and older layouts. Rows of the
further files join those of the first; where two have the same key the first file's stays. What is
counted from them is counted anew.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import Config
from pipeline.journal import Journal
from pipeline.maintenance.access import Visit, date_of_folder, shrink_index
from pipeline.store.commit import Commit, StagedFile, commit
from pipeline.store.index import drop_index
from pipeline.store.layout import Layout
from pipeline.store.rebuild import ensure_index
from transforms.aggregate import monday
from transforms.count_windows import AGGREGATES, COUNTED_BY, COUNTED_FROM
from transforms.manifest import staged_file
from transforms.parquet_io import PART, Row, partition_path, read_rows, write_rows
from transforms.partitions import Place, Staged
from transforms.parts import in_use_since, parts_of
from transforms.schemas import DATASETS, ROW_GROUP_ROWS, Dataset

# Partitions made anew in one commit, at least: what has to fit beside the store while it is staged.
COMMIT_PARTITIONS = 200
INDEXED = frozenset({"articles", "rejects", "story_aliases"})

OnPartition = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Untidy:
    """A partition to make anew: its files, the first of which is the one that stays."""

    place: Place
    files: tuple[Path, ...]


@dataclass(slots=True)
class CompactReport:
    """What compacting did. `files` and `bytes` are those of the partitions that it made anew, as
    [before, after]; `same_key` are rows that another file had too; `unreadable` lists partitions
    with a file that can't be read: they, and what is counted in their week, are left alone.
    """

    partitions: int = 0
    files: list[int] = field(default_factory=lambda: [0, 0])
    bytes: list[int] = field(default_factory=lambda: [0, 0])
    same_key: int = 0
    empty_folders: int = 0
    index_bytes_freed: int = 0
    unreadable: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def find_untidy(layout: Layout, report: CompactReport, today: date) -> list[Untidy]:
    """Return the partitions that are not one file in the present form; notes unreadable ones.

    Parts of the dates that news still comes in for (`in_use_since`) are left as they are.
    """
    found: list[Untidy] = []
    bad_weeks: set[str] = set()
    for dataset in DATASETS.values():
        for folder in _folders(layout.root, dataset):
            first = folder / PART
            others = sorted(path for path in folder.glob("*.parquet") if path != first)
            files = tuple(path for path in (first, *others) if path.is_file())
            if not files:
                continue
            day = folder.name.removeprefix("date=") if dataset.partition_by else ""
            try:
                if day >= in_use_since(dataset, today) and parts_of(layout.root, dataset, day) > 1:
                    continue
                tidy = [_is_tidy(dataset, path) for path in files]
            except (OSError, pa.ArrowException) as error:
                report.unreadable.append(f"{folder.relative_to(layout.root)}: {error}")
                bad_weeks.add(_week(day) if dataset in COUNTED_FROM else "")
                continue
            if files != (first,) or not all(tidy):
                found.append(Untidy(Place(dataset.name, day), files))
    return [
        one
        for one in found
        if DATASETS[one.place.dataset] not in (*COUNTED_FROM, *AGGREGATES)
        or _week(one.place.day) not in bad_weeks
    ]


def compact(
    layout: Layout, config: Config, visit: Visit, on_partition: OnPartition | None = None
) -> CompactReport:
    """Make every partition one file in the present form; the writer lock is held.

    Each commit covers whole weeks and everything that is counted in them, so that a kill leaves
    no week between old and new. `on_partition` gets how many are done, of how many.
    """
    report = CompactReport()
    found = find_untidy(layout, report, visit.started_at.date())
    if any(one.place.dataset in INDEXED for one in found):
        drop_index(layout.index)
    for number, group in enumerate(_groups(found)):
        _make_anew(layout, config, group, f"{visit.run_id}-{number}", report)
        report.partitions += len(group)
        if on_partition is not None:
            on_partition(report.partitions, len(found))
    ensure_index(layout, config.deduplicate)
    report.empty_folders = _drop_empty_folders(layout.root)
    report.index_bytes_freed = shrink_index(layout.index)
    Journal(layout.journal).clean(config.output.journal_keep_days)
    if found:
        visit.record(
            layout,
            {
                "partitions": report.partitions,
                "files_before": report.files[0],
                "files_after": report.files[1],
            },
        )
    return report


def _folders(root: Path, dataset: Dataset) -> Iterator[Path]:
    base = root / dataset.name
    if dataset.partition_by is None:
        yield base
    else:
        yield from sorted(path for path in base.glob("date=*") if date_of_folder(path) is not None)


def _is_tidy(dataset: Dataset, path: Path) -> bool:
    with pq.ParquetFile(path) as file:
        meta = file.metadata
        groups = max(1, math.ceil(meta.num_rows / ROW_GROUP_ROWS))
        return (
            meta.num_rows > 0
            and meta.num_row_groups == groups
            # Field names inside lists and maps are Parquet's own; types and our metadata count.
            and bool(file.schema_arrow.equals(dataset.schema))
            and _describes(file.schema_arrow, dataset)
        )


def _describes(schema: pa.Schema, dataset: Dataset) -> bool:
    """Return whether a file says of itself what its dataset's files do, and is no part of many."""
    metadata = {**(schema.metadata or {})}
    metadata.pop(COUNTED_BY, None)
    return bool(metadata == dataset.schema.metadata)


def _groups(found: Sequence[Untidy]) -> Iterator[list[Untidy]]:
    """Yield partitions by whole weeks, some weeks together; those without a date are a group."""
    weeks: dict[str, list[Untidy]] = defaultdict(list)
    for one in found:
        weeks[_week(one.place.day)].append(one)
    group: list[Untidy] = []
    for week in sorted(weeks):
        group += weeks[week]
        if len(group) >= COMMIT_PARTITIONS or not week:
            yield group
            group = []
    if group:
        yield group


def _week(day: str) -> str:
    return monday(day) if day else ""


def _make_anew(
    layout: Layout, config: Config, group: Sequence[Untidy], batch_id: str, report: CompactReport
) -> None:
    staging = layout.staging / batch_id
    removed: list[str] = []
    joined: list[Path] = []
    staged: list[Staged] = []
    recount: set[str] = set()
    for one in group:
        dataset = DATASETS[one.place.dataset]
        joined += one.files
        report.files[0] += len(one.files)
        report.bytes[0] += sum(path.stat().st_size for path in one.files)
        target = partition_path(layout.root, dataset, one.place.day or None)
        removed += [
            path.relative_to(layout.root).as_posix() for path in one.files if path != target
        ]
        if len(one.files) > 1 and dataset in (*COUNTED_FROM, *AGGREGATES):
            recount.add(one.place.day)
        if not (len(one.files) > 1 and dataset in AGGREGATES):
            staged.append(_stage_merged(dataset, one, staging, report))
    if recount:
        from pipeline.maintenance.recount import recount_days

        counted = recount_days(layout.root, staging, staged, recount, config.aggregate, joined)
        fresh = {s.place for s in counted}
        staged = [s for s in staged if s.place not in fresh] + counted
    report.files[1] += sum(s.rows > 0 for s in staged)
    report.bytes[1] += sum((staging / s.path).stat().st_size for s in staged if s.rows)
    commit(
        layout,
        Commit(
            batch_id=batch_id,
            staging=staging.relative_to(layout.root).as_posix(),
            files=[StagedFile(**staged_file(s)) for s in staged],
            index=None,
            offsets={},
            removed=removed,
        ),
    )


def _stage_merged(dataset: Dataset, one: Untidy, staging: Path, report: CompactReport) -> Staged:
    rows: dict[tuple[Any, ...], Row] = {}
    total = 0
    for path in one.files:
        for row in read_rows(dataset, path):
            total += 1
            rows.setdefault(tuple(row[name] for name in dataset.key), row)
    report.same_key += total - len(rows)
    path = partition_path(staging, dataset, one.place.day or None)
    count = write_rows(dataset, rows.values(), path)
    return Staged(one.place, path.relative_to(staging).as_posix(), count)


def _drop_empty_folders(root: Path) -> int:
    count = 0
    for name in DATASETS:
        for folder in (root / name).glob("date=*"):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                count += 1
    return count
