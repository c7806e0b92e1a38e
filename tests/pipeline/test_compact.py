"""`newsalign compact`: many files of a partition become one, and nothing is lost or doubled."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Invoke
from upkeep_store import FIRST_DAY, build_whole_store, contents, divide

from pipeline.config import load_config
from pipeline.maintenance.compact import CompactReport, find_untidy
from pipeline.maintenance.join import Joined, _in_groups, join_files
from pipeline.maintenance.verify import verify
from pipeline.store.checksums import note_files, sum_file
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from transforms.parquet_io import partition_path, read_rows, write_rows, write_table
from transforms.parts import BY_TIME, BY_WINDOW, with_parts
from transforms.schemas import DATASETS

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_whole_store(tmp_path_factory.mktemp("whole") / "store").root


@pytest.fixture
def layout(whole: Path, tmp_path: Path) -> Layout:
    return Layout(Path(shutil.copytree(whole, tmp_path / "store")))


def scatter(layout: Layout) -> None:
    """Divide every file into two, some rows in both, as copying stores together leaves them."""
    for dataset in DATASETS.values():
        for path in sorted((layout.root / dataset.name).rglob("part-00000.parquet")):
            rows = read_rows(dataset, path)
            middle = (len(rows) + 1) // 2
            write_rows(dataset, rows[:middle], path)
            write_rows(dataset, rows[middle - 1 :], path.with_name("part-00001.parquet"))


def test_scattered_files_become_what_they_were(whole: Path, layout: Layout, invoke: Invoke) -> None:
    wanted = contents(layout)
    scatter(layout)
    assert not verify(layout, load_config(None)).ok
    files = len([*layout.root.rglob("*.parquet")])
    result = invoke("compact", "--output", layout.root, "--json")
    assert result.exit_code == 0, result.output
    assert contents(layout) == wanted
    report = json.loads(result.stdout)
    assert report["partitions"] * 2 == report["files"][0] == files
    assert report["files"][1] == report["partitions"]
    assert report["unreadable"] == []
    assert verify(layout, load_config(None)).ok
    runs = [row for path in (layout.root / "runs").rglob("*.parquet")
            for row in read_rows(DATASETS["runs"], path)]  # fmt: skip
    assert sorted(row["command"] for row in runs) == ["compact", "newsalign run"]


def test_parts_of_a_date_that_is_over_become_one_file(layout: Layout, invoke: Invoke) -> None:
    wanted = contents(layout)
    divide(layout, FIRST_DAY, 24)
    assert contents(layout) != wanted
    assert verify(layout, load_config(None)).ok
    assert invoke("compact", "--output", layout.root).exit_code == 0
    assert contents(layout) == wanted
    assert verify(layout, load_config(None)).ok


def test_parts_that_are_still_written_to_stay(layout: Layout) -> None:
    divide(layout, FIRST_DAY, 24)
    first = date.fromisoformat(FIRST_DAY)

    def found(today: date) -> set[str]:
        return {one.place.dataset for one in find_untidy(layout, CompactReport(), today)}

    assert found(first) == found(first + timedelta(days=1)) == set()
    assert found(first + timedelta(days=2)) == BY_TIME | BY_WINDOW


def test_parts_of_what_is_counted_stay_for_their_week(layout: Layout) -> None:
    first = date.fromisoformat(FIRST_DAY)
    week = first - timedelta(days=first.weekday())
    divide(layout, week.isoformat(), 24)

    def found(today: date) -> set[str]:
        return {one.place.dataset for one in find_untidy(layout, CompactReport(), today)}

    assert found(week + timedelta(days=7)) == set()
    assert found(week + timedelta(days=8)) == BY_WINDOW


def test_counts_of_joined_files_are_counted_anew(layout: Layout, invoke: Invoke) -> None:
    """Two stores of one day's articles each: their alignments add up in the joined one."""
    dataset = DATASETS["stances"]
    wanted = contents(layout)
    first = partition_path(layout.root, dataset, FIRST_DAY)
    second = first.with_name("part-00001.parquet")
    rows = read_rows(dataset, first)
    alone = [row for row in rows if row["source_actor"] == "USA"]
    assert 0 < len(alone) < len(rows)
    write_rows(dataset, [row for row in rows if row not in alone], first)
    write_rows(dataset, alone, second)
    counts = partition_path(layout.root, DATASETS["alignments"], FIRST_DAY)
    write_rows(
        DATASETS["alignments"],
        [row for row in read_rows(DATASETS["alignments"], counts) if row["source"] != "USA"],
        counts,
    )
    assert invoke("compact", "--output", layout.root).exit_code == 0
    assert contents(layout) == wanted


def test_files_in_another_form_take_the_present_one(layout: Layout, invoke: Invoke) -> None:
    wanted = contents(layout)
    path = partition_path(layout.root, DATASETS["articles"], FIRST_DAY)
    table = pq.read_table(path)
    older = table.drop_columns(["coding_version"]).replace_schema_metadata(
        {"dataset": "articles", "schema_version": "0"}
    )
    pq.write_table(older, path, row_group_size=1, compression="gzip")
    assert invoke("compact", "--output", layout.root).exit_code == 0
    assert pq.read_schema(path).metadata == DATASETS["articles"].schema.metadata
    assert pq.ParquetFile(path).num_row_groups == 1
    assert pa.compute.all(pa.compute.is_null(pq.read_table(path)["coding_version"])).as_py()
    others = {name: data for name, data in contents(layout).items() if name in wanted}
    assert {n for n, d in others.items() if wanted[n] != d} == {
        path.relative_to(layout.root).as_posix()
    }


def test_a_tidy_store_is_left_alone(layout: Layout, invoke: Invoke) -> None:
    (layout.root / "stances" / "date=2026-01-01").mkdir()
    before = contents(layout), layout.index.read_bytes()
    runs = contents(layout, "runs")
    result = invoke("compact", "--output", layout.root)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "every partition is one file in the present form",
        "1 empty folders removed",
    ]
    assert (contents(layout), layout.index.read_bytes()) == before
    assert contents(layout, "runs") == runs


def test_a_file_that_cannot_be_read_is_named_and_left(layout: Layout, invoke: Invoke) -> None:
    scatter(layout)
    bad = partition_path(layout.root, DATASETS["stances"], FIRST_DAY)
    bad.write_bytes(b"not Parquet")
    result = invoke("compact", "--output", layout.root)
    assert result.exit_code == 1
    assert f"stances/date={FIRST_DAY}" in result.stderr
    assert bad.read_bytes() == b"not Parquet"
    assert bad.with_name("part-00001.parquet").exists()
    assert (
        not partition_path(layout.root, DATASETS["stances"], "2026-11-02")
        .with_name("part-00001.parquet")
        .exists()
    )


def test_a_store_that_is_written_to_is_waited_for(layout: Layout, invoke: Invoke) -> None:
    with writer_lock(layout.lock, "schedule"):
        result = invoke("compact", "--wait", "0", "--output", layout.root)
    assert result.exit_code == 1
    assert "another process is writing there: schedule" in result.stderr


def test_parts_are_joined_without_a_new_index_or_new_counts(
    layout: Layout, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    divide(layout, FIRST_DAY, 24)
    wanted = index_rows(layout)

    def unwanted(*_: object) -> None:
        raise AssertionError("no row has changed")

    monkeypatch.setattr("pipeline.store.rebuild.rebuild_index", unwanted)
    monkeypatch.setattr("pipeline.maintenance.recount.recount_days", unwanted)
    assert invoke("compact", "--output", layout.root).exit_code == 0
    assert len(list(layout.root.glob(f"articles/date={FIRST_DAY}/*"))) == 1
    assert index_rows(layout) == wanted
    assert verify(layout, load_config(None)).ok


def index_rows(layout: Layout) -> list[list[tuple[object, ...]]]:
    with sqlite3.connect(layout.index) as db:
        return [
            db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("articles", "keys", "bands", "edges", "about")
        ]


@pytest.mark.parametrize("strange", ["unknown", "same key"])
def test_parts_that_are_not_as_they_were_written_make_index_and_counts_anew(
    layout: Layout, invoke: Invoke, strange: str
) -> None:
    """A row of another store's part, which neither knows of; a row that two parts have."""
    dataset = DATASETS["articles"]
    divide(layout, FIRST_DAY, 24)
    paths = sorted(layout.root.glob(f"articles/date={FIRST_DAY}/*"))
    rows = read_rows(dataset, paths[0])
    more = rows[0] if strange == "same key" else {**rows[0], "article_id": "new", "joins": []}
    if strange == "unknown":
        more |= {"story_id": "new", "is_canonical": True, "identity_keys": ["u:new"]}
    table = pa.Table.from_pylist([*read_rows(dataset, paths[1]), more], schema=dataset.schema)
    write_table(with_parts(table, 24), paths[1])
    if strange == "same key":
        note_files(layout.index, [sum_file(layout.root, paths[1])])
    result = invoke("compact", "--output", layout.root, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["same_key"] == (strange == "same key")
    found = verify(layout, load_config(None)).as_dict()
    # The row itself fits no story; what is made from it does fit it.
    assert {one["check"] for one in found["problems"]} <= {"stories"}


def test_what_is_damaged_is_still_found_after_files_were_joined(
    layout: Layout, invoke: Invoke
) -> None:
    damaged = partition_path(layout.root, DATASETS["coverage"], "2026-11-08")
    pq.write_table(pq.read_table(damaged, partitioning=None), damaged, compression="none")
    articles = partition_path(layout.root, DATASETS["articles"], FIRST_DAY)
    rows = read_rows(DATASETS["articles"], articles)
    write_rows(DATASETS["articles"], rows[1:], articles.with_name("part-00001.parquet"))
    assert invoke("compact", "--output", layout.root).exit_code == 0
    found = [one for one in verify(layout, load_config(None)).problems if one.check == "checksums"]
    assert [one.where for one in found] == [damaged.relative_to(layout.root).as_posix()]


def test_a_damaged_part_is_not_joined(layout: Layout, invoke: Invoke) -> None:
    divide(layout, FIRST_DAY, 24)
    part = sorted(layout.root.glob(f"articles/date={FIRST_DAY}/*"))[-1]
    data = bytearray(part.read_bytes())
    data[len(data) // 4] ^= 0xFF
    part.write_bytes(data)
    before = contents(layout)
    result = invoke("compact", "--output", layout.root)
    assert result.exit_code == 1
    assert part.name in result.stderr and "newsalign verify" in result.stderr
    assert contents(layout) == before


def test_parts_go_through_one_by_one_and_give_the_file_of_all_rows(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.parquet_io.ROW_GROUP_ROWS", 3)
    monkeypatch.setattr("pipeline.maintenance.join.ROW_GROUP_ROWS", 3)
    monkeypatch.setattr("pipeline.maintenance.join.in_order", None)  # needs all rows at once
    for name in sorted(BY_TIME):
        dataset = DATASETS[name]
        stored = read_rows(dataset, partition_path(layout.root, dataset, FIRST_DAY))
        midnight = datetime.fromisoformat(f"{FIRST_DAY}T00:00:00Z")
        rows = [
            {**row, dataset.key[0]: f"{number}", "published_at": midnight + number * MINUTE}
            for number, row in enumerate(stored * 4)
        ]
        whole, joined = tmp_path / name / "whole.parquet", tmp_path / name / "joined.parquet"
        write_rows(dataset, rows, whole)
        files = []
        for start in range(0, len(rows), 2):
            files.append(tmp_path / name / f"part-{start:05d}.parquet")
            table = pa.Table.from_pylist(rows[start : start + 2], schema=dataset.schema)
            write_table(with_parts(table, 24), files[-1])
        assert join_files(dataset, files, joined) == Joined(len(rows), 0)
        assert joined.read_bytes() == whole.read_bytes()


def test_no_more_than_a_file_and_a_row_group_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.maintenance.join.ROW_GROUP_ROWS", 3)
    read: list[int] = []

    def tables() -> Iterator[pa.Table]:
        for number in range(4):
            read.append(number)
            yield pa.table({"n": [number] * 4})

    groups = _in_groups(tables())
    assert next(groups)["n"].to_pylist() == [0, 0, 0]
    assert read == [0, 1]
    assert [len(group) for group in groups] == [3, 3, 3, 3, 1]
