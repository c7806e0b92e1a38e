"""`newsalign compact`: one file a partition, in the present schema and form; leftovers go.

A stream writes its dates in parts: those of dates that are over become one file. More files than
one also come from stores put together by copying, other tools and older layouts. Rows of the
further files join those of the first; where two have the same key the first file's stays. What is
counted from them is counted anew, and the index made anew; not so where parts are joined that this
program wrote, which changes no row.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import Config
from pipeline.journal import Journal
from pipeline.maintenance.access import Visit, date_of_folder, shrink_index
from pipeline.maintenance.join import are_parts, join_files
from pipeline.store.checksums import FileSum, known_files, sum_file
from pipeline.store.commit import Commit, StagedFile, commit
from pipeline.store.layout import Layout
from pipeline.store.rebuild import ensure_index, outdate_index
from transforms.aggregate import monday
from transforms.count_windows import AGGREGATES, COUNTED_BY, COUNTED_FROM
from transforms.manifest import staged_file
from transforms.parquet_io import PART, partition_path
from transforms.partitions import Place, Staged
from transforms.parts import BY_TIME, BY_WINDOW, in_use_since, part_files, parts_of
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
    known = known_files(layout.index)
    for number, group in enumerate(_groups(found)):
        _make_anew(layout, config, group, f"{visit.run_id}-{number}", report, known)
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


def join_oldest(layout: Layout, config: Config, today: date, batch_id: str) -> str | None:
    """Join the parts of the oldest date that news doesn't come in for any more; the date, if any.

    Only parts as this program wrote them, which leaves index and counts as they are: what else is
    untidy is for `compact`. The writer lock is held.
    """
    known = known_files(layout.index)
    for day, group in sorted(_in_parts(layout.root, today).items()):
        own = [one for one in group if _is_own(layout.root, one, known)]
        if own:
            _make_anew(layout, config, own, batch_id, CompactReport(), known)
            return day
    return None


def _in_parts(root: Path, today: date) -> dict[str, list[Untidy]]:
    """Return what is in several files of the dates that are over, by date; opens none of them."""
    found: dict[str, list[Untidy]] = defaultdict(list)
    for name in sorted(BY_TIME | BY_WINDOW):
        dataset = DATASETS[name]
        for folder in _folders(root, dataset):
            day = folder.name.removeprefix("date=")
            if day < in_use_since(dataset, today):
                files = part_files(root, dataset, day)
                if any(path.name != PART for path in files):
                    found[day].append(Untidy(Place(name, day), tuple(files)))
    return found


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
    layout: Layout,
    config: Config,
    group: Sequence[Untidy],
    batch_id: str,
    report: CompactReport,
    known: Mapping[str, FileSum],
) -> None:
    staging = layout.staging / batch_id
    removed: list[str] = []
    joined: list[Path] = []
    staged: list[Staged] = []
    recount: set[str] = set()
    outdated = False
    for one in group:
        dataset = DATASETS[one.place.dataset]
        joined += one.files
        report.files[0] += len(one.files)
        report.bytes[0] += sum(path.stat().st_size for path in one.files)
        target = partition_path(layout.root, dataset, one.place.day or None)
        removed += [
            path.relative_to(layout.root).as_posix() for path in one.files if path != target
        ]
        own = _is_own(layout.root, one, known)
        if len(one.files) > 1 and dataset in AGGREGATES and not own:
            recount.add(one.place.day)
            continue
        path = partition_path(staging, dataset, one.place.day or None)
        done = join_files(dataset, one.files, path)
        report.same_key += done.same_key
        staged.append(Staged(one.place, path.relative_to(staging).as_posix(), done.rows))
        if own and not done.same_key:
            continue
        if len(one.files) > 1 and dataset in COUNTED_FROM:
            recount.add(one.place.day)
        outdated |= dataset.name in INDEXED
    if recount:
        from pipeline.maintenance.recount import recount_days

        counted = recount_days(layout.root, staging, staged, recount, config.aggregate, joined)
        fresh = {s.place for s in counted}
        staged = [s for s in staged if s.place not in fresh] + counted
    if outdated:
        outdate_index(layout.index)
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


def _is_own(root: Path, one: Untidy, known: Mapping[str, FileSum]) -> bool:
    """Return whether a partition's files are as this program wrote them: its one, or its parts.

    One file in the place of them has the rows that the index and the counts were made of.
    """
    if [path.name for path in one.files] != [PART] and not are_parts(one.files):
        return False
    sums = (sum_file(root, path) for path in one.files)
    return all(known.get(file.path) == file for file in sums)


def _drop_empty_folders(root: Path) -> int:
    count = 0
    for name in DATASETS:
        for folder in (root / name).glob("date=*"):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                count += 1
    return count
