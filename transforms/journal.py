"""The journal as Beam steps: what arrives is written down, and slices are read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam

from transforms.segments import JournalSlice, Record, read_slice, write_segment


class _Append(beam.DoFn):
    """Writes what one bundle brings as segments of at most `max_records`."""

    def __init__(self, folder: str, created: datetime, max_records: int) -> None:
        self._folder = folder
        self._created = created
        self._max_records = max_records
        self._held: list[Record] = []

    def start_bundle(self) -> None:
        self._held = []

    def process(self, record: Record) -> Iterator[tuple[str, int]]:
        self._held.append(record)
        if len(self._held) >= self._max_records:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        for written in self._flush():
            yield beam.transforms.window.GlobalWindows.windowed_value_at_end_of_window(written)

    def _flush(self) -> Iterator[tuple[str, int]]:
        records, self._held = self._held, []
        path = write_segment(Path(self._folder), records, self._created)
        if path is not None:
            yield str(path), len(records)


class AppendToJournal(beam.PTransform):
    """PCollection[RawItem | Reject] -> PCollection[(segment path, records)], durable on output."""

    def __init__(self, folder: str, created: datetime, max_records: int = 2_000) -> None:
        super().__init__()
        self._folder = folder
        self._created = created
        self._max_records = max_records

    def expand(self, records: beam.PCollection[Record]) -> beam.PCollection[tuple[str, int]]:
        return records | "Append" >> beam.ParDo(
            _Append(self._folder, self._created, self._max_records)
        )


class ReadJournal(beam.PTransform):
    """PCollection[JournalSlice] -> PCollection[RawItem | Reject]."""

    def expand(self, slices: beam.PCollection[JournalSlice]) -> beam.PCollection[Record]:
        return slices | "ReadSlice" >> beam.FlatMap(read_slice)
