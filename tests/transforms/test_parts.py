"""A partition in parts holds what one file would, and only touched parts are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.column_cache import ColumnCache
from transforms.parquet_io import partition_path, read_rows, sort_rows, write_rows
from transforms.partitions import Clear, Place, Rows, stage
from transforms.parts import (
    number_of,
    part_number,
    parts_of,
    read_columns,
    read_files,
    stated_parts,
    stored_files,
)
from transforms.schemas import ARTICLES, REJECTS, STANCES

DAY = datetime(2026, 11, 20, tzinfo=UTC)
DATE = DAY.date().isoformat()
PLACE = Place(ARTICLES.name, DATE)


def article(name: str, minute: int, story: str = "s") -> dict[str, Any]:
    row = dict.fromkeys(ARTICLES.schema.names)
    return {
        **row,
        "article_id": name,
        "story_id": story,
        "published_at": DAY + timedelta(minutes=minute),
    }


def put(root: Path, changes: list[Any], parts: int) -> list[Path]:
    """Stage changes to the day and move them into the store; the paths of what was written."""
    staging = root.with_name("staging")
    written = []
    for one in stage(root, staging, PLACE, changes, parts):
        target = root / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / one.path).replace(target)
        if not one.rows:
            target.unlink()
        written.append(target)
    return written


def everything(root: Path) -> list[dict[str, Any]]:
    return list(read_files(ARTICLES, stored_files(root, ARTICLES, DATE)))


@pytest.mark.parametrize(
    ("clock", "parts", "number"),
    [((0, 0, 0), 144, 0), ((0, 9, 59), 144, 0), ((0, 10, 0), 144, 1), ((23, 59, 59), 144, 143),
     ((12, 0, 0), 2, 1), ((23, 59, 59), 1, 0), ((13, 30, 0), 1440, 810)],
)  # fmt: skip
def test_a_part_is_a_span_of_the_utc_day(
    clock: tuple[int, int, int], parts: int, number: int
) -> None:
    hour, minute, second = clock
    moment = DAY.replace(hour=hour, minute=minute, second=second)
    assert part_number(moment, parts) == number
    assert part_number(moment.astimezone(), parts) == number


ROWS = st.builds(
    article, st.sampled_from("abcdef"), st.integers(0, 1439), st.sampled_from(["s", "t"])
)
CHANGES = st.lists(
    st.lists(ROWS, max_size=4).map(Rows)
    | st.sampled_from(["s", "t"]).map(lambda story: Clear("story_id", story)),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=4), st.sampled_from([2, 24, 144]))
def test_parts_hold_what_one_file_would(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Any]], parts: int
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    whole, split = folder / "whole" / "store", folder / "split" / "store"
    for changes in batches:
        put(whole, changes, 1)
        put(split, changes, parts)
        assert everything(split) == everything(whole)
        for path in stored_files(split, ARTICLES, DATE):
            rows = read_rows(ARTICLES, path)
            assert rows and rows == sort_rows(ARTICLES, rows)
            assert stated_parts(pq.read_schema(path)) == parts
            assert {part_number(r["published_at"], parts) for r in rows} == {number_of(path)}


def test_only_the_parts_that_change_are_written(tmp_path: Path) -> None:
    root = tmp_path / "store"
    put(root, [Rows([article("a", 5, "s"), article("b", 65, "t"), article("c", 700, "u")])], 24)
    assert [p.name for p in stored_files(root, ARTICLES, DATE)] == [
        "part-00000.parquet", "part-00001.parquet", "part-00011.parquet"
    ]  # fmt: skip
    written = put(root, [Rows([article("d", 70)]), Clear("story_id", "u")], 24)
    assert [path.name for path in written] == ["part-00001.parquet", "part-00011.parquet"]
    assert [row["article_id"] for row in everything(root)] == ["a", "b", "d"]
    assert len(stored_files(root, ARTICLES, DATE)) == 2


def test_a_partition_keeps_the_number_of_parts_that_it_was_made_with(tmp_path: Path) -> None:
    root = tmp_path / "store"
    put(root, [Rows([article("a", 5)])], 24)
    put(root, [Rows([article("b", 65)])], 1)
    assert parts_of(root, ARTICLES, DATE) == 24
    other = tmp_path / "other" / "store"
    put(other, [Rows([article("a", 5)])], 1)
    put(other, [Rows([article("b", 65)])], 144)
    assert [p.name for p in stored_files(other, ARTICLES, DATE)] == ["part-00000.parquet"]


def test_other_datasets_have_no_parts_and_other_files_are_not_theirs(tmp_path: Path) -> None:
    assert parts_of(tmp_path, REJECTS, DATE, 144) == 1
    write_rows(ARTICLES, [article("a", 5)], partition_path(tmp_path, ARTICLES, DATE))
    other = partition_path(tmp_path, ARTICLES, DATE).with_name("part-00001.parquet")
    write_rows(ARTICLES, [article("b", 5)], other)
    assert [p.name for p in stored_files(tmp_path, ARTICLES, DATE)] == ["part-00000.parquet"]
    assert stored_files(tmp_path, STANCES, DATE) == []


def test_only_files_that_hold_what_is_asked_for_are_read(tmp_path: Path) -> None:
    root = tmp_path / "store"
    put(root, [Rows([article("a", 5), article("b", 65), article("c", 700)])], 24)
    files = stored_files(root, ARTICLES, DATE)
    rows = read_files(ARTICLES, files, ("article_id",), ("article_id", ["c", "x", "a"]))
    assert [row["article_id"] for row in rows] == ["a", "c"]
    assert list(read_files(ARTICLES, files, ("article_id",), ("article_id", []))) == []


def test_columns_that_a_file_lacks_are_null(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.parquet"
    write_rows(ARTICLES, [article("a", 5)], path)
    pq.write_table(pq.read_table(path).select(["article_id"]), path)
    table = read_columns(ARTICLES, [path], ("article_id", "language", "story_actors"))
    assert table.to_pylist() == [{"article_id": "a", "language": None, "story_actors": None}]
    assert read_columns(ARTICLES, [], ("article_id",)).num_rows == 0


def test_kept_columns_follow_the_file_and_stay_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.parquet"
    cache = ColumnCache(limit_bytes=10_000)
    for name in ("a", "b"):
        # Another file takes its place, as a commit does it.
        fresh = tmp_path / "fresh.parquet"
        write_rows(ARTICLES, [article(name, 5)], fresh)
        fresh.replace(path)
        assert cache.read(path, ("article_id",))["article_id"].to_pylist() == [name]
    assert cache.read(path, ("article_id",)) is cache.read(path, ("article_id",))
    path.rename(tmp_path / "moved.parquet")
    assert cache.read(tmp_path / "moved.parquet", ("article_id",)).num_rows == 1
    for number in range(40):
        big = tmp_path / f"part-{number:05d}.parquet"
        write_rows(ARTICLES, [article(f"{number}-{n}" + "x" * 50, 5) for n in range(20)], big)
        assert cache.read(big, ("article_id",)).num_rows == 20
        assert cache.bytes <= 10_000
