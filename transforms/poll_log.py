"""Polls written down by the workers that made them, for whoever saves the feeds' state."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam

from transforms.feed_hints import FeedPace
from transforms.read_feeds import FeedPoll
from transforms.segments import fsync_folder

SUFFIX = ".jsonl"


def write_polls(folder: Path, polls: Iterable[FeedPoll]) -> Path:
    """Write polls as one file, which appears whole or not at all; files sort by time."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}{SUFFIX}"
    temporary = folder / f".{name}.tmp"
    with temporary.open("w", encoding="ascii") as out:
        for poll in polls:
            out.write(json.dumps(asdict(poll), default=datetime.isoformat) + "\n")
        out.flush()
        os.fsync(out.fileno())
    final = folder / name
    temporary.replace(final)
    fsync_folder(folder)
    return final


def read_polls(folder: Path) -> Iterator[FeedPoll]:
    """Yield the polls of a folder in the order of its files; none where there is no folder."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open(encoding="ascii") as lines:
            for line in lines:
                yield _poll(json.loads(line))


def _poll(values: dict[str, Any]) -> FeedPoll:
    for name in ("polled_at", "newest_at"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    pace = values["pace"]
    if pace is not None:
        hours, days = tuple(pace["skip_hours"]), tuple(pace["skip_days"])
        values["pace"] = FeedPace(pace["interval_s"], hours, days)
    return FeedPoll(**values)


class _Write(beam.DoFn):
    """Writes one bundle's polls when the bundle ends."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._held: list[FeedPoll] = []

    def start_bundle(self) -> None:
        self._held = []

    def process(self, poll: FeedPoll) -> None:
        self._held.append(poll)

    def finish_bundle(self) -> None:
        if self._held:
            write_polls(Path(self._folder), self._held)


class WritePolls(beam.PTransform):
    """PCollection[FeedPoll] -> files under `folder`, for `read_polls` once the job is done."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def expand(self, polls: beam.PCollection[FeedPoll]) -> Any:
        return polls | "Write polls" >> beam.ParDo(_Write(self._folder))
