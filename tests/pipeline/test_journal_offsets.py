"""Offsets: what is pending, what is committed, and batches that cut segments."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.journal import (
    Journal,
    count_records,
    offsets_after,
    split_slices,
    take_batch,
)
from transforms.records import RawItem
from transforms.segments import JournalSlice, write_segment

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal")
    for count, hour in ((5, 1), (3, 2)):
        records = [RawItem(origin=f"{hour}-{n}", fetched_at=NOW) for n in range(count)]
        write_segment(made.pending_folder, records, NOW.replace(hour=hour))
    return made


def test_everything_written_is_pending_oldest_first(journal: Journal) -> None:
    pending = journal.pending()
    assert [(part.start, part.end) for part in pending] == [(0, 5), (0, 3)]
    assert count_records(pending) == 8


def test_a_batch_may_end_inside_a_segment_and_the_next_goes_on_there(journal: Journal) -> None:
    first = take_batch(journal.pending(), 6)
    assert [(part.start, part.end) for part in first] == [(0, 5), (0, 1)]
    journal.advance(offsets_after(first))
    rest = journal.pending()
    assert [(part.start, part.end) for part in rest] == [(1, 3)]
    journal.advance(offsets_after(rest))
    assert journal.pending() == []
    assert journal.offsets() == {}


def test_offsets_never_go_back_and_advancing_twice_is_once(journal: Journal) -> None:
    part = take_batch(journal.pending(), 4)
    journal.advance(offsets_after(part))
    journal.advance({next(iter(offsets_after(part))): 2})
    journal.advance(offsets_after(part))
    assert count_records(journal.pending()) == 4


def test_committed_segments_are_kept_for_a_while_and_half_written_ones_go(
    journal: Journal, tmp_path: Path
) -> None:
    journal.advance(offsets_after(journal.pending()))
    leftover = journal.pending_folder / ".0001-half.tmp"
    leftover.write_bytes(b"half")
    os.utime(leftover, (0, 0))
    writing = journal.pending_folder / ".0002-now.tmp"
    writing.write_bytes(b"another process is at it")
    journal.clean(keep_days=7)
    assert not leftover.exists()
    assert writing.exists()
    assert len(list((tmp_path / "journal" / "done").iterdir())) == 2
    journal.clean(keep_days=0)
    assert list((tmp_path / "journal" / "done").iterdir()) == []


def test_slices_are_cut_for_parallel_reading() -> None:
    parts = split_slices([JournalSlice("a", 3, 10)], 4)
    assert parts == [JournalSlice("a", 3, 7), JournalSlice("a", 7, 10)]


def test_a_journal_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none").pending() == []
