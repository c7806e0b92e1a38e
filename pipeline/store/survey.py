"""How a store stands: what lies in it, what waits in its journal, how much room is left."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.journal import Journal, count_records
from pipeline.store.layout import Layout

DAY_MARK = "date="
LOOKS = 5


@dataclass(frozen=True, slots=True)
class DatasetSize:
    """One dataset: its files, their bytes, its newest day, and when a file was last replaced."""

    name: str
    files: int
    bytes: int
    newest_day: str | None
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What arrived and isn't committed: items (rejects too), the bytes of their segments, since."""

    items: int
    bytes: int
    since: datetime | None


def survey_datasets(root: Path, names: Iterable[str]) -> list[DatasetSize]:
    """Return the size of each named dataset; one without files counts 0."""
    return [_survey(root / name) for name in names]


def survey_journal(layout: Layout) -> Waiting:
    """Return what waits in the journal; raises OSError where a writer is always faster."""
    for _ in range(LOOKS - 1):
        # A segment that is committed moves away.
        with contextlib.suppress(FileNotFoundError):
            return _look_into_journal(layout)
    return _look_into_journal(layout)


def _look_into_journal(layout: Layout) -> Waiting:
    slices = Journal(layout.journal).pending()
    paths = [Path(one.path) for one in slices]
    # A segment's name begins with its time in milliseconds.
    since = [int(path.name.split("-", 1)[0]) / 1000 for path in paths]
    return Waiting(
        items=count_records(slices),
        bytes=sum(path.stat().st_size for path in paths),
        since=datetime.fromtimestamp(min(since), UTC) if since else None,
    )


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder; what vanishes meanwhile counts 0."""
    return sum(entry.size for entry in _files(folder))


def free_bytes(folder: Path) -> int:
    """Return the bytes that can still be written where a folder lies."""
    return shutil.disk_usage(folder).free


def as_values(one: DatasetSize | Waiting) -> dict[str, Any]:
    """Return the fields as JSON values."""
    names = type(one).__dataclass_fields__
    values = {name: getattr(one, name) for name in names}
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


@dataclass(frozen=True, slots=True)
class _File:
    day: str | None
    size: int
    written: float


def _survey(folder: Path) -> DatasetSize:
    files = bytes_ = 0
    newest: str | None = None
    written = 0.0
    for file in _files(folder):
        files += 1
        bytes_ += file.size
        written = max(written, file.written)
        if file.day is not None and (newest is None or file.day > newest):
            newest = file.day
    return DatasetSize(
        folder.name,
        files,
        bytes_,
        newest,
        datetime.fromtimestamp(written, UTC) if files else None,
    )


def _files(folder: Path, day: str | None = None) -> Iterator[_File]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                name = entry.name
                inner = name.removeprefix(DAY_MARK) if name.startswith(DAY_MARK) else day
                yield from _files(Path(entry.path), inner)
            elif entry.is_file(follow_symlinks=False):
                about = entry.stat(follow_symlinks=False)
                yield _File(day, about.st_size, about.st_mtime)
        except OSError:
            continue
