"""The journal: what was written comes back, and a damaged line is never taken for a record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.journal import AppendToJournal, ReadJournal
from transforms.records import RawItem, Reject
from transforms.segments import (
    JournalDamagedError,
    JournalSlice,
    decode_record,
    encode_record,
    read_slice,
    segment_length,
    write_segment,
)

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
TEXT = st.text(max_size=40) | st.none()
ITEMS = st.builds(
    RawItem,
    origin=st.text(max_size=20),
    fetched_at=st.datetimes(timezones=st.just(UTC)),
    title=TEXT,
    body=TEXT,
    guid=TEXT,
    guid_unique=st.booleans(),
    flags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
REJECTS = st.builds(
    Reject,
    stage=st.just("read"),
    reason=st.just("not_a_feed"),
    detail=st.text(max_size=20),
    origin=st.text(max_size=20),
    excerpt=st.text(max_size=20),
    at=st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=100, deadline=None)
@given(ITEMS | REJECTS)
def test_any_record_comes_back_from_one_line(record: RawItem | Reject) -> None:
    line = encode_record(record)
    assert line.count(b"\n") == 1
    assert decode_record(line) == record


@settings(max_examples=100, deadline=None)
@given(ITEMS, st.data())
def test_a_changed_byte_is_noticed(record: RawItem, data: st.DataObject) -> None:
    line = bytearray(encode_record(record))
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    try:
        assert decode_record(bytes(line)) == record
    except (ValueError, KeyError):
        return


def records(count: int) -> list[RawItem]:
    return [RawItem(origin=f"o{n}", fetched_at=NOW, title=f"t{n}") for n in range(count)]


def test_a_segment_has_its_length_in_its_name_and_reads_in_slices(tmp_path: Path) -> None:
    path = write_segment(tmp_path, records(7), NOW)
    assert path is not None
    assert segment_length(path) == 7
    assert [r.origin for r in read_slice(JournalSlice(str(path), 2, 5))] == ["o2", "o3", "o4"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_no_records_make_no_segment(tmp_path: Path) -> None:
    assert write_segment(tmp_path, [], NOW) is None
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_no_segment(tmp_path: Path) -> None:
    def broken() -> object:
        yield records(1)[0]
        raise RuntimeError("source broke")

    with pytest.raises(RuntimeError):
        write_segment(tmp_path, broken(), NOW)  # type: ignore[arg-type]
    assert not list(tmp_path.glob("[0-9]*"))


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = write_segment(tmp_path, records(3), NOW)
    assert path is not None
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"X" + lines[1][21:] + lines[2])
    with pytest.raises(JournalDamagedError, match="line 2"):
        list(read_slice(JournalSlice(str(path), 0, 3)))


def test_beam_steps_write_and_read_the_same_records(tmp_path: Path) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | beam.Create(records(25))
            | AppendToJournal(str(tmp_path), NOW, max_records=10)
        )
    segments = sorted(tmp_path.iterdir())
    assert sum(segment_length(path) for path in segments) == 25
    assert all(segment_length(path) <= 10 for path in segments)
    found = tmp_path / "found"
    slices = [JournalSlice(str(path), 0, segment_length(path)) for path in segments]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | beam.Create(slices)
            | ReadJournal()
            | beam.Map(lambda record: record.origin)
            | beam.io.WriteToText(str(found), shard_name_template="")
        )
    assert sorted(found.read_text().split()) == sorted(record.origin for record in records(25))
