"""`newsalign compact`: many files of a partition become one, and nothing is lost or doubled."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Invoke
from upkeep_store import FIRST_DAY, build_whole_store, contents, divide

from pipeline.config import load_config
from pipeline.maintenance.compact import CompactReport, find_untidy
from pipeline.maintenance.verify import verify
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from transforms.parquet_io import partition_path, read_rows, write_rows
from transforms.parts import BY_TIME, BY_WINDOW
from transforms.schemas import DATASETS


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
