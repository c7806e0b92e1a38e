"""The journal's segments and how much of each has been committed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.files import write_durably
from transforms.segments import SUFFIX, JournalSlice, segment_length

SLICE_RECORDS = 100
CLEAN_S = 3_600
HALF_WRITTEN_S = 3_600


class Journal:
    """A folder of segments: `pending/` holds what is not wholly committed, `done/` the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def pending_folder(self) -> Path:
        """Return the folder that arrivals are written to."""
        return self._folder / "pending"

    @property
    def _done_folder(self) -> Path:
        return self._folder / "done"

    @property
    def _cleaned_file(self) -> Path:
        return self._folder / "cleaned"

    @property
    def _offsets_file(self) -> Path:
        return self._folder / "offsets.json"

    def offsets(self) -> dict[str, int]:
        """Return the number of committed records by segment name, for begun segments."""
        try:
            values: dict[str, int] = json.loads(self._offsets_file.read_text())
        except FileNotFoundError:
            return {}
        return values

    def pending(self) -> list[JournalSlice]:
        """Return what is written and not committed, oldest first, one slice a segment."""
        if not self.pending_folder.is_dir():
            return []
        offsets = self.offsets()
        slices = []
        for path in sorted(self.pending_folder.glob(f"[0-9]*{SUFFIX}")):
            start, end = offsets.get(path.name, 0), segment_length(path)
            if start < end:
                slices.append(JournalSlice(str(path), start, end))
        return slices

    def advance(self, offsets: Mapping[str, int]) -> None:
        """Record commits; offsets never go back. Wholly committed segments move to `done/`."""
        if not offsets:
            return
        current = self.offsets()
        for name, offset in offsets.items():
            current[name] = max(offset, current.get(name, 0))
        for name in list(current):
            path = self.pending_folder / name
            if not path.exists():
                del current[name]
            elif current[name] >= segment_length(path):
                self._done_folder.mkdir(parents=True, exist_ok=True)
                path.replace(self._done_folder / name)
                del current[name]
        write_durably(self._offsets_file, json.dumps(current, sort_keys=True))

    def clean(self, keep_days: int) -> None:
        """Delete committed segments older than `keep_days` and what a kill left half-written.

        A half-written segment may be one that another process is just writing, until it is old.
        Where segments are kept for days, the folder is looked through once an hour.
        """
        now = time.time()
        horizon = now - keep_days * 86_400
        if keep_days and 0 <= now - _written(self._cleaned_file) < CLEAN_S:
            return
        if self._done_folder.is_dir():
            for path in self._done_folder.glob(f"*{SUFFIX}"):
                if path.stat().st_mtime <= horizon:
                    path.unlink(missing_ok=True)
        if self.pending_folder.is_dir():
            for path in self.pending_folder.glob(".*.tmp"):
                if _written(path) < now - HALF_WRITTEN_S:
                    path.unlink(missing_ok=True)
        if self._folder.is_dir():
            self._cleaned_file.touch()


def _written(path: Path) -> float:
    """Return when a file was last written, as a Unix time; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def split_slices(slices: Sequence[JournalSlice], records: int) -> list[JournalSlice]:
    """Cut slices into pieces of at most `records` records, in order."""
    return [
        JournalSlice(part.path, start, min(start + records, part.end))
        for part in slices
        for start in range(part.start, part.end, records)
    ]


def take_batch(slices: Sequence[JournalSlice], records: int) -> list[JournalSlice]:
    """Return the first `records` records of the slices, cutting the last slice if need be."""
    batch: list[JournalSlice] = []
    left = records
    for part in slices:
        if left <= 0:
            break
        end = min(part.end, part.start + left)
        batch.append(JournalSlice(part.path, part.start, end))
        left -= end - part.start
    return batch


def offsets_after(slices: Sequence[JournalSlice]) -> dict[str, int]:
    """Return the offsets that committing these slices brings."""
    offsets: dict[str, int] = {}
    for part in slices:
        name = Path(part.path).name
        offsets[name] = max(part.end, offsets.get(name, 0))
    return offsets


def count_records(slices: Sequence[JournalSlice]) -> int:
    """Return the number of records in the slices."""
    return sum(part.end - part.start for part in slices)
