"""Writing and merging partitions: one order, one set of bytes, the schema of the contract."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.parquet_io import partition_date, partition_path, read_rows, write_rows
from transforms.partitions import Clear, Place, Rows, stage
from transforms.schemas import ACTORS, DATASETS, REJECTS, STORY_ALIASES, Dataset

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
CELLS: dict[Any, Any] = {
    pa.string(): "text “–” ü",
    pa.int32(): 7,
    pa.int64(): 7,
    pa.float64(): 0.25,
    pa.bool_(): True,
    pa.binary(): b"\x00\xff",
}


def cell(kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return NOW
    if pa.types.is_dictionary(kind):
        return "value"
    if pa.types.is_map(kind):
        return [("k", cell(kind.item_type))]
    if pa.types.is_list(kind):
        return [cell(kind.value_type)]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: cell(kind.field(i).type) for i in range(kind.num_fields)}
    return CELLS[kind]


def full_row(dataset: Dataset) -> dict[str, Any]:
    return {name: cell(kind) for name, kind in dataset.columns}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda d: d.name)
@pytest.mark.parametrize("empty", [False, True])
def test_every_dataset_reads_back_in_three_engines(
    tmp_path: Path, dataset: Dataset, empty: bool
) -> None:
    row = full_row(dataset)
    if empty:
        row = {
            k: v if k in (*dataset.order, dataset.partition_by) else None for k, v in row.items()
        }
    path = partition_path(tmp_path, dataset, partition_date(dataset, row))
    assert write_rows(dataset, [row], path) == 1
    assert read_rows(dataset, path) == [row]
    schema = pq.read_schema(path)
    assert schema.names == [name for name, _ in dataset.columns]
    assert schema.metadata[b"schema_version"] == b"1"
    assert not any(pa.types.is_null(field.type) for field in schema)
    assert pl.read_parquet(path).height == 1
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(1,)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), unique_by=lambda p: p[0]))
def test_bytes_depend_on_rows_and_not_on_their_order(pairs: list[tuple[str, str]]) -> None:
    import tempfile

    rows = [{"alias": alias, "story_id": story} for alias, story in pairs]
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "a.parquet", Path(folder) / "b.parquet"
        write_rows(STORY_ALIASES, rows, first)
        write_rows(STORY_ALIASES, shuffled, second)
        assert first.read_bytes() == second.read_bytes()
        assert sorted(r["alias"] for r in read_rows(STORY_ALIASES, first)) == sorted(
            alias for alias, _ in pairs
        )


def test_a_file_of_an_older_schema_gives_null_for_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table({"alias": ["a"]}), path)
    assert read_rows(STORY_ALIASES, path) == [{"alias": "a", "story_id": None}]


def test_reading_selects_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_rows(STORY_ALIASES, [{"alias": a, "story_id": a * 2} for a in "abc"], path)
    assert read_rows(STORY_ALIASES, path, ("story_id",), ("alias", {"b", "z"})) == [
        {"story_id": "bb", "alias": "b"}
    ]
    assert read_rows(STORY_ALIASES, tmp_path / "none.parquet") == []


def test_a_partition_is_the_utc_date() -> None:
    row = {"at": datetime(2026, 11, 20, 1, tzinfo=UTC).astimezone(timedelta_zone(-5))}
    assert partition_date(REJECTS, row) == "2026-11-20"
    assert partition_date(STORY_ALIASES, {}) is None


def timedelta_zone(hours: int) -> Any:
    from datetime import timezone

    return timezone(timedelta(hours=hours))


def alias(name: str, story: str) -> dict[str, str]:
    return {"alias": name, "story_id": story}


def merge_rows(name: str, present: list[Any], changes: list[Any]) -> list[Any]:
    """What merging means, row by row."""
    dataset = DATASETS[name]
    (key,) = dataset.key
    cleared = [(c.column, c.value) for c in changes if isinstance(c, Clear)]
    kept = [row for row in present if not any(row[column] == value for column, value in cleared)]
    fresh = [row for change in changes if isinstance(change, Rows) for row in change.rows]
    return list({row[key]: row for row in (*kept, *fresh)}.values())


def test_staging_leaves_the_store_alone(tmp_path: Path) -> None:
    root, staging = tmp_path / "store", tmp_path / "staging"
    write_rows(STORY_ALIASES, [alias("a", "1")], partition_path(root, STORY_ALIASES, None))
    before = partition_path(root, STORY_ALIASES, None).read_bytes()
    (staged,) = stage(root, staging, Place("story_aliases", ""), [Rows([alias("b", "2")])])
    assert staged.rows == 2
    assert partition_path(root, STORY_ALIASES, None).read_bytes() == before
    assert read_rows(STORY_ALIASES, staging / staged.path) == [alias("a", "1"), alias("b", "2")]


ACTOR_ROWS = st.fixed_dictionaries(
    {
        "actor": st.text("aäbB€😀", min_size=1, max_size=2),
        "type": st.sampled_from(["state", "person", None]),
        "name": st.text(max_size=3),
        "names": st.none() | st.lists(st.text(max_size=2), max_size=2),
        "rollups": st.none() | st.lists(
            st.fixed_dictionaries(
                {"rollup": st.text(max_size=1), "from": st.none(), "to": st.just("2020-01-01")}
            ), max_size=2),
        "in_catalog": st.booleans() | st.none(),
    }
)  # fmt: skip
CHANGES = st.lists(
    st.lists(ACTOR_ROWS, max_size=3).map(Rows)
    | st.text("aäbB€😀", min_size=1, max_size=2).map(lambda value: Clear("actor", value))
    | st.sampled_from(["state", "nothing"]).map(lambda value: Clear("type", value)),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTOR_ROWS, max_size=6, unique_by=lambda row: row["actor"]), CHANGES)
def test_tables_merge_to_the_bytes_that_their_rows_would_have(
    tmp_path_factory: pytest.TempPathFactory, present: list[dict[str, Any]], changes: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    stored = partition_path(folder / "root", ACTORS, None)
    if present:
        write_rows(ACTORS, present, stored)
    rows = merge_rows("actors", read_rows(ACTORS, stored), changes)
    write_rows(ACTORS, rows, folder / "rows.parquet")
    (staged,) = stage(folder / "root", folder / "staging", Place("actors", ""), changes)
    assert staged.rows == len(rows)
    assert (folder / "staging" / staged.path).read_bytes() == (folder / "rows.parquet").read_bytes()


DAY = datetime(2026, 11, 20, tzinfo=UTC)
REJECT_ROWS = st.fixed_dictionaries(
    {
        "reject_id": st.text("aäbB€😀", min_size=1, max_size=2),
        "stage": st.sampled_from(["read", "clean"]),
        "reason": st.sampled_from(["empty", "binary", ""]),
        "origin": st.none() | st.text(max_size=2),
        "outlet": st.none() | st.text(max_size=2),
        "at": st.integers(0, 3).map(lambda hour: DAY + timedelta(hours=hour)),
    }
)
REJECT_CHANGES = st.lists(
    st.lists(REJECT_ROWS, max_size=4).map(
        lambda rows: Rows([dict.fromkeys(REJECTS.schema.names) | row for row in rows])
    )
    | st.sampled_from(["read", "nothing"]).map(lambda value: Clear("stage", value)),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(REJECT_ROWS, max_size=6, unique_by=lambda row: row["reject_id"]), REJECT_CHANGES)
def test_a_partition_in_another_order_than_its_key_merges_to_the_same_bytes_too(
    tmp_path_factory: pytest.TempPathFactory, present: list[dict[str, Any]], changes: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    stored = partition_path(folder / "root", REJECTS, "2026-11-20")
    if present:
        write_rows(REJECTS, present, stored)
    rows = merge_rows("rejects", read_rows(REJECTS, stored), changes)
    write_rows(REJECTS, rows, folder / "rows.parquet")
    (staged,) = stage(folder / "root", folder / "staging", Place("rejects", "2026-11-20"), changes)
    assert staged.rows == len(rows)
    assert (folder / "staging" / staged.path).read_bytes() == (folder / "rows.parquet").read_bytes()
