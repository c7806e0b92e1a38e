"""Journal segments: what arrived, written down and fsynced before anything counts it.

A segment is a text file of lines `crc32 json`; it appears under its name only when it is complete
(temporary name, fsync, rename), so a kill leaves a whole segment or none. The offsets that say how
much of each segment has been committed are kept by `pipeline.journal`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from transforms.records import RawItem, Reject

SUFFIX = ".jsonl"
Record = RawItem | Reject


class JournalDamagedError(Exception):
    """A segment holds a line whose checksum fails; its text names the file and the line."""


@dataclass(frozen=True, slots=True)
class JournalSlice:
    """Records `start` (inclusive) to `end` (exclusive) of one segment file."""

    path: str
    start: int
    end: int


def encode_record(record: Record) -> bytes:
    """Return one journal line for a record, ending in a newline."""
    kind = "item" if isinstance(record, RawItem) else "reject"
    values: dict[str, Any] = {"kind": kind}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        values[field.name] = value.isoformat() if isinstance(value, datetime) else value
    body = json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_record(line: bytes) -> Record:
    """Return the record of one journal line; raises ValueError where the line is damaged."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if int(checksum, 16) != zlib.crc32(body):
        raise ValueError("checksum mismatch")
    values = json.loads(body)
    if values.pop("kind") == "reject":
        return Reject(**{**values, "at": datetime.fromisoformat(values["at"])})
    values["fetched_at"] = datetime.fromisoformat(values["fetched_at"])
    values["flags"] = tuple(values["flags"])
    return RawItem(**values)


def write_segment(folder: Path, records: Iterable[Record], created: datetime) -> Path | None:
    """Write records as one segment and return its path, or None where there were none.

    The name is `<created, in ms>-<random>-<number of records>.jsonl`, so that segments sort by
    arrival and a reader knows their length without opening them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{int(created.timestamp() * 1000):015d}-{uuid.uuid4().hex[:12]}"
    temporary = folder / f".{stem}.tmp"
    count = 0
    with temporary.open("wb") as out:
        for record in records:
            out.write(encode_record(record))
            count += 1
        out.flush()
        os.fsync(out.fileno())
    if not count:
        temporary.unlink()
        return None
    final = folder / f"{stem}-{count}{SUFFIX}"
    temporary.replace(final)
    fsync_folder(folder)
    return final


def segment_length(path: Path) -> int:
    """Return the number of records that a segment's name states."""
    return int(path.stem.rsplit("-", 1)[1])


def read_slice(part: JournalSlice) -> Iterator[Record]:
    """Yield the records of a slice; raises JournalDamagedError where a checksum fails."""
    with Path(part.path).open("rb") as lines:
        for number, line in enumerate(lines):
            if number >= part.end:
                return
            if number < part.start:
                continue
            try:
                yield decode_record(line)
            except (ValueError, KeyError, TypeError) as error:
                raise JournalDamagedError(f"{part.path}: line {number + 1}: {error}") from error


def fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
