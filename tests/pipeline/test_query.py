"""`newsalign query`: the views, what a statement may do, and how results look."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Invoke
from fixture_store import build_store
from rich.console import Console
from upkeep_store import FIRST_DAY, build_whole_store, divide

from pipeline.config import load_config
from pipeline.formats import fit_widths, print_table
from pipeline.maintenance.access import Visit, locked
from pipeline.maintenance.compact import compact
from pipeline.query import ask_store, list_views, open_store, select, view_schema
from pipeline.store.layout import Layout
from transforms.parquet_io import partition_path
from transforms.schemas import DATASETS


def test_a_view_for_every_dataset_even_without_files(store: Path) -> None:
    with open_store(store) as connection:
        views = {view.name: view for view in list_views(connection)}
    assert list(views) == list(DATASETS)
    assert {name: view.rows for name, view in views.items()} == {
        "articles": 5,
        "stances": 11,
        "alignments": 78,
        "comentions": 46,
        "coverage": 1,
        "actors": 7,
        "outlets": 3,
        "story_aliases": 0,
        "rejects": 0,
        "runs": 1,
    }


@pytest.mark.parametrize("name", DATASETS)
def test_columns_have_the_contract_s_types_with_and_without_files(
    store: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "runs").mkdir()
    types = []
    for folder in (store, tmp_path):
        with open_store(folder) as connection:
            types.append(connection.table(name).to_arrow_table().schema)
    for found in types:
        assert found.names == view_schema(DATASETS[name]).names
        assert not any(pa.types.is_null(field.type) for field in found)
    assert types[0] == types[1]


def test_date_is_a_date_and_times_are_utc(store: Path) -> None:
    with open_store(store) as connection:
        row = select(
            connection,
            "SELECT typeof(date) AS d, typeof(published_at) AS t, published_at, date "
            "FROM stances ORDER BY published_at DESC LIMIT 1",
        ).read_all()
    found = row.to_pylist()[0]
    assert (found["d"], found["t"]) == ("DATE", "TIMESTAMP WITH TIME ZONE")
    assert str(found["date"]) == "2026-11-08"
    assert found["published_at"].isoformat() == "2026-11-08T23:59:00+00:00"


def test_a_file_of_an_older_version_shows_null_in_newer_columns(tmp_path: Path) -> None:
    build_store(tmp_path)
    path = tmp_path / "outlets" / "part-00000.parquet"
    pq.write_table(pq.read_table(path).select(["outlet", "name"]), path)
    older = tmp_path / "coverage" / "date=2026-10-01"
    older.mkdir()
    pq.write_table(pa.table({"outlet": ["Old Bell"]}), older / "part-00000.parquet")
    with open_store(tmp_path) as connection:
        outlets = connection.execute("SELECT DISTINCT domain, language FROM outlets").fetchall()
        coverage = connection.execute(
            "SELECT outlet, stories, date::VARCHAR FROM coverage ORDER BY outlet"
        ).fetchall()
    assert outlets == [(None, None)]
    assert coverage == [("Harbour Wire", 1, "2026-11-01"), ("Old Bell", None, "2026-10-01")]


def test_a_half_written_file_is_no_part_of_a_view(tmp_path: Path) -> None:
    build_store(tmp_path)
    (tmp_path / "runs" / "part-00000.parquet.tmp").write_bytes(b"PAR1")
    (tmp_path / "runs" / ".part-00000.parquet").write_bytes(b"PAR1")
    with open_store(tmp_path) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{out}/x.csv'",
        "WITH x AS (COPY (SELECT 1 AS a) TO '{out}/x.csv') SELECT * FROM x",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}/x.csv'",
        "EXPORT DATABASE '{out}/x'",
        "ATTACH '{out}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW stances",
        "PRAGMA enable_profiling",
        "CALL enable_logging(storage = 'file', storage_path = '{out}/log')",
        "SELECT * FROM enable_profiling(save_location := '{out}/x.json')",
        "SELECT * FROM read_text('{out}/secret.txt')",
        "SELECT * FROM '{out}/secret.txt'",
        "SELECT * FROM glob('{out}/*')",
    ],
)
def test_no_statement_reaches_a_file(store: Path, tmp_path: Path, invoke: Invoke, sql: str) -> None:
    (tmp_path / "secret.txt").write_text("s3cret")
    before = sorted(store.rglob("*"))
    result = invoke("query", sql.format(out=tmp_path), "--output", store)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("newsalign: error: ")
    assert result.stderr.count("\n") == 1
    assert "s3cret" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]
    assert sorted(store.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "FROM outlets",
        "VALUES (1)",
        "TABLE outlets",
        "DESCRIBE outlets",
        "SUMMARIZE outlets",
        "SHOW TABLES",
        "EXPLAIN ANALYZE FROM outlets",
        "PIVOT alignments ON granularity USING count(*) GROUP BY level",
        "WITH a AS (FROM runs) SELECT count(*) FROM a",
        "/* a comment */ SELECT 1;",
    ],
)
def test_what_reads_is_allowed(store: Path, invoke: Invoke, sql: str) -> None:
    result = invoke("query", sql, "--output", store)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") >= 3


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT * FROM stance",
            "Table with name stance does not exist; did you mean stances? Views: articles, "
            "stances, alignments, comentions, coverage, actors, outlets, story_aliases, rejects, "
            "runs",
        ),
        (
            "SELECT nope FROM outlets",
            'Referenced column "nope" not found in FROM clause. '
            "Columns: outlets(outlet, name, domain, country, language)",
        ),
        ("SELECT * FROM outlets WHERE", 'syntax error at or near "WHERE"'),
        ("SELECT 1; SELECT 2", "one SQL statement at a time, please: got 2"),
        ("", "one SQL statement at a time, please: got 0"),
        ("DELETE FROM runs", "query only reads, DELETE is refused; --to FILE writes a result to"),
    ],
)
def test_errors_are_one_line_that_helps(
    store: Path, invoke: Invoke, sql: str, message: str
) -> None:
    result = invoke("query", sql, "--output", store)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"newsalign: error: {message}")
    assert result.stderr.count("\n") == 1


def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, invoke: Invoke) -> None:
    build_store(tmp_path)
    (tmp_path / "outlets" / "part-00000.parquet").write_bytes(b"not Parquet at all")
    result = invoke("query", "SELECT * FROM outlets", "--output", tmp_path)
    assert result.exit_code == 2
    assert "outlets/part-00000.parquet" in result.stderr
    assert result.stderr.count("\n") == 1


SQL = (
    "SELECT source, target, net, first_published, window_start::DATE AS day, net / 4 AS share, "
    "[source, target] AS dyad, NULL AS nothing, source = 'RUS' AS is_russia, 1 AS net "
    "FROM alignments WHERE granularity = 'day' AND level = 'rollup' AND voice = 'direct' "
    "ORDER BY window_start, source, target LIMIT 2"
)


def test_csv(store: Path, invoke: Invoke) -> None:
    assert invoke("query", SQL, "--output", store, "--format", "csv").stdout == (
        "source,target,net,first_published,day,share,dyad,nothing,is_russia,net_1\n"
        "RUS,UKR,-1,2026-11-01T09:00:00Z,2026-11-01,-0.25,"
        '"[""RUS"", ""UKR""]",,true,1\n'
        "USA,UKR,1,2026-11-01T09:00:00Z,2026-11-01,0.25,"
        '"[""USA"", ""UKR""]",,false,1\n'
    )


def test_json_lines(store: Path, invoke: Invoke) -> None:
    lines = invoke("query", SQL, "--output", store, "-f", "json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "source": source,
            "target": "UKR",
            "net": net,
            "first_published": "2026-11-01T09:00:00Z",
            "day": "2026-11-01",
            "share": net / 4,
            "dyad": [source, "UKR"],
            "nothing": None,
            "is_russia": source == "RUS",
            "net_1": 1,
        }
        for source, net in (("RUS", -1), ("USA", 1))
    ]


def test_odd_values_as_json(store: Path, invoke: Invoke) -> None:
    sql = (
        "SELECT versions, counts, 'nan'::DOUBLE AS nan, 1.50::DECIMAL(9, 2) AS half, "
        "170141183460469231731687303715884105727::HUGEINT AS huge, 'é\\n\"'::VARCHAR AS text, "
        "INTERVAL 3 DAY AS wait, '\\xAA'::BLOB AS raw, MAP {'k': [DATE '2026-01-02']} AS deep "
        "FROM runs"
    )
    line = invoke("query", sql, "--output", store, "-f", "json").stdout
    assert "é" in line
    found = json.loads(line)
    assert found["versions"] == {"newsalign": "0.1.0"}
    assert found["counts"] == {"articles": 5, "stances": 11}
    assert found["nan"] is None
    assert found["half"] == 1.5
    assert found["raw"] == "aa"
    assert found["deep"] == {"k": ["2026-01-02"]}


def test_table(store: Path, invoke: Invoke) -> None:
    sql = "SELECT outlet, count(*) AS articles FROM articles GROUP BY ALL ORDER BY ALL"
    assert invoke("query", sql, "--output", store).stdout == (
        "outlet         articles\n"
        "─────────────  ────────\n"
        "Gulf Ledger           1\n"
        "Harbour Wire          2\n"
        "Northern Post         2\n"
    )


def test_a_table_stops_at_max_rows_and_says_so(store: Path, invoke: Invoke) -> None:
    result = invoke("query", "FROM range(5)", "--output", store, "--max-rows", "2")
    assert result.stdout == "range\n─────\n    0\n    1\n"
    assert result.stderr == (
        "newsalign: the first 2 rows; --max-rows 0, or another --format, gives all\n"
    )
    every = invoke("query", "FROM range(5)", "--output", store, "--max-rows", "0")
    assert (every.stdout.count("\n"), every.stderr) == (7, "")


def test_text_from_articles_cannot_steer_the_terminal(store: Path, invoke: Invoke) -> None:
    result = invoke("query", "SELECT chr(27) || '[31mred' || chr(8238) AS t", "--output", store)
    assert result.stdout.splitlines()[2] == "\ufffd[31mred\ufffd"


def test_markup_in_values_is_shown_as_it_is(store: Path, invoke: Invoke) -> None:
    result = invoke("query", "SELECT '[bold]x[/bold] :smile:' AS t", "--output", store)
    assert result.stdout.splitlines()[2] == "[bold]x[/bold] :smile:"


@pytest.mark.parametrize(
    ("name", "first"), [("a.csv", b"n\n1\n"), ("a.jsonl", b'{"n": 1}\n'), ("a.parquet", b"PAR1")]
)
def test_a_file_s_name_says_its_format(
    store: Path, tmp_path: Path, invoke: Invoke, name: str, first: bytes
) -> None:
    result = invoke("query", "SELECT 1 AS n", "--output", store, "--to", tmp_path / name)
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / name).read_bytes().startswith(first)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_parquet_reads_back(store: Path, tmp_path: Path, invoke: Invoke) -> None:
    target = tmp_path / "stances.parquet"
    assert invoke("query", "FROM stances", "--output", store, "--to", target).exit_code == 0
    table = pq.read_table(target)
    assert table.num_rows == 11
    assert table.schema.field("published_at").type.tz == "UTC"


def test_parquet_goes_through_a_pipe(store: Path, invoke: Invoke) -> None:
    result = invoke("query", "SELECT 7 AS n", "--output", store, "-f", "parquet")
    assert pq.read_table(pa.BufferReader(result.stdout_bytes)).to_pydict() == {"n": [7]}


@pytest.mark.parametrize("name", ["no/such/folder/a.csv", "a.xls"])
def test_a_file_that_cannot_be_written(
    store: Path, tmp_path: Path, invoke: Invoke, name: str
) -> None:
    result = invoke("query", "SELECT 1", "--output", store, "--to", tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"newsalign: error: --to {tmp_path / name}: ")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_query_leaves_the_old_file(store: Path, tmp_path: Path, invoke: Invoke) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    sql = "SELECT CAST(name AS INTEGER) FROM outlets"
    assert invoke("query", sql, "--output", store, "--to", target).exit_code == 2
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_sql_from_standard_input(store: Path, invoke: Invoke) -> None:
    result = invoke("query", "-", "--output", store, "-f", "csv", input="SELECT 1 AS n")
    assert result.stdout == "n\n1\n"


def test_without_sql_the_views_are_listed(store: Path, invoke: Invoke) -> None:
    lines = invoke("query", "--output", store).stdout.splitlines()
    assert lines[0].split() == ["view", "rows", "columns"]
    assert lines[8].split()[:2] == ["outlets", "3"]
    assert lines[8].endswith("outlet, name, domain, country, language")


def test_a_plan_keeps_its_lines(store: Path, invoke: Invoke) -> None:
    assert invoke("query", "EXPLAIN FROM outlets", "--output", store).stdout.count("\n") > 3


def test_a_folder_that_is_no_store(tmp_path: Path, invoke: Invoke) -> None:
    missing = invoke("query", "SELECT 1", "--output", tmp_path / "nowhere")
    assert missing.exit_code == 2
    assert missing.stderr == (
        f"newsalign: error: {tmp_path}/nowhere: no such folder; make one with 'newsalign run', "
        "or name yours with --output\n"
    )
    empty = invoke("query", "SELECT 1", "--output", tmp_path)
    assert empty.stderr == (
        f"newsalign: error: {tmp_path}: holds none of the datasets that 'newsalign run' writes\n"
    )


def test_an_error_late_in_a_long_result_is_one_line_too(store: Path, invoke: Invoke) -> None:
    sql = "SELECT CAST(if(i = 500000, 'x', '1') AS INTEGER) AS n FROM range(600000) t(i)"
    result = invoke("query", sql, "--output", store, "-f", "csv")
    assert result.exit_code == 2
    # DuckDB's threads may come upon it before the first rows are out.
    assert "n\n1\n1\n".startswith(result.stdout[:6])
    assert result.stderr == "newsalign: error: Could not convert string 'x' to INT32\n"


@pytest.mark.parametrize(
    ("wanted", "room", "widths"),
    [
        ([10, 10], 22, [10, 10]),
        ([30, 50], 72, [30, 40]),
        ([30, 50], 52, [25, 25]),
        ([5, 90], 27, [5, 20]),
        ([5, 90], 26, []),
        ([30, 30, 30], 63, []),
    ],
)
def test_the_widest_columns_are_cut_to_fit(wanted: list[int], room: int, widths: list[int]) -> None:
    assert fit_widths(wanted, [4] * len(wanted), room) == widths


def test_a_narrow_terminal_gets_one_block_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["x" * 200, 1], ["y", 22]]
    print_table(Console(width=24), ["text", "number"], rows, [False, True])
    assert capsys.readouterr().out.splitlines() == [
        "── row 1 ──",
        f"  text  {'x' * 200}",
        "number  1",
        "── row 2 ──",
        "  text  y",
        "number  22",
    ]


def test_a_table_cuts_long_cells(store: Path, invoke: Invoke) -> None:
    lines = invoke("query", "SELECT repeat('ab', 100) AS t", "--output", store).stdout.splitlines()
    assert lines[2] == "ab" * 59 + "a…"


def joined_meanwhile(layout: Layout) -> None:
    with locked(layout, "compact", 0.0):
        compact(layout, load_config(None), Visit("compact", "hash"))


def ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return (
        select(connection, "SELECT article_id FROM articles ORDER BY 1").read_all()[0].to_pylist()
    )


def test_parts_beside_the_file_that_they_were_joined_to_do_not_count(tmp_path: Path) -> None:
    layout = build_whole_store(tmp_path / "store")
    wanted = ask_store(layout.root, ids)
    path = partition_path(layout.root, DATASETS["articles"], FIRST_DAY)
    whole = path.read_bytes()
    divide(layout, FIRST_DAY, 24)
    assert ask_store(layout.root, ids) == wanted
    path.write_bytes(whole)
    assert len(list(path.parent.iterdir())) > 1
    assert ask_store(layout.root, ids) == wanted


def test_a_date_that_is_joined_while_it_is_read_is_asked_for_again(tmp_path: Path) -> None:
    layout = build_whole_store(tmp_path / "store")
    wanted = ask_store(layout.root, ids)
    divide(layout, FIRST_DAY, 24)
    asked = 0

    def ask(connection: duckdb.DuckDBPyConnection) -> list[str]:
        nonlocal asked
        asked += 1
        joined_meanwhile(layout)
        return ids(connection)

    assert ask_store(layout.root, ask) == wanted
    assert asked == 2


def test_a_store_that_changes_all_the_time_is_one_line(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = build_whole_store(tmp_path / "store")

    def opened(output: Path) -> duckdb.DuckDBPyConnection:
        connection = open_store(output)
        for path in list(output.glob("alignments/*/*.parquet"))[:1]:
            path.unlink()
        return connection

    monkeypatch.setattr("pipeline.query.open_store", opened)
    result = invoke("alignments", "--output", layout.root)
    assert result.exit_code == 1
    assert result.stderr == (
        "newsalign: error: the store was changed while it was read; ask once more\n"
    )
