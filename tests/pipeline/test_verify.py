"""`newsalign verify`: a sound store has no problem; each kind of damage is found, and named."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Invoke
from upkeep_store import FIRST_DAY, build_whole_store, contents, divide, rewrite

from pipeline.config import load_config
from pipeline.journal import Journal
from pipeline.maintenance.snapshot import snapshot
from pipeline.maintenance.verify import verify
from pipeline.maintenance.verify_files import check_files
from pipeline.run import run
from pipeline.store.checksums import note_files, sum_file
from pipeline.store.layout import Layout
from pipeline.store.lock import LockedError, writer_lock
from transforms.parquet_io import Row, partition_path, read_rows, write_rows
from transforms.parts import number_of, part_path, stored_files
from transforms.records import RawItem
from transforms.schemas import ALIGNMENTS, ARTICLES, REJECTS, STANCES, STORY_ALIASES
from transforms.segments import write_segment


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_whole_store(tmp_path_factory.mktemp("sound") / "store").root


@pytest.fixture
def layout(sound: Path, tmp_path: Path) -> Layout:
    """A copy of the sound store to damage."""
    return Layout(Path(shutil.copytree(sound, tmp_path / "store")))


def problems(layout: Layout) -> dict[str, list[str]]:
    """Return what verify finds, as "where: what" by check."""
    found: dict[str, list[str]] = {}
    for one in verify(layout, load_config(None)).problems:
        found.setdefault(one.check, []).append(f"{one.where}: {one.what}")
    return found


def test_a_sound_store_has_no_problem(sound: Path, invoke: Invoke) -> None:
    layout = Layout(sound)
    before = contents(layout)
    result = invoke("verify", "--output", sound, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["ok"] and report["problems"] == report["notes"] == []
    assert report["files"] == len(before) + 1
    assert report["rows"] > 100
    assert set(report["checks"].values()) == {0}
    assert contents(layout) == before
    assert not list(layout.snapshots.iterdir())


def test_what_is_wrong_is_listed_with_exit_code_1(layout: Layout, invoke: Invoke) -> None:
    partition_path(layout.root, STANCES, FIRST_DAY).with_name("notes.txt").write_text("x")
    result = invoke("verify", "--output", layout.root)
    assert result.exit_code == 1
    where = f"stances/date={FIRST_DAY}/notes.txt"
    assert result.stdout.splitlines()[:2] == [
        f"layout: {where}: not a file of the store",
        f"checksums: {where}: was not written by this program",
    ]
    assert result.stdout.endswith(": 2 problems\n")


def test_parts_hold_the_rows_of_their_times(layout: Layout) -> None:
    divide(layout, FIRST_DAY, 24)
    assert problems(layout) == {}
    first, *others = stored_files(layout.root, ARTICLES, FIRST_DAY)
    moved = part_path(layout.root, ARTICLES, FIRST_DAY, 23)
    assert moved not in (first, *others)
    first.rename(moved)
    shutil.copy(moved, moved.with_name("copy.parquet"))
    assert sorted(problems(layout)["layout"]) == [
        f"articles/date={FIRST_DAY}/copy.parquet: a partition has one file,"
        " part-00000.parquet; newsalign compact joins them",
        f"articles/date={FIRST_DAY}/part-00023.parquet: is part 23 of 24 and holds"
        f" rows of other parts: {number_of(first)}",
    ]


def test_files(layout: Layout) -> None:
    damaged = partition_path(layout.root, STANCES, FIRST_DAY)
    data = bytearray(damaged.read_bytes())
    data[len(data) // 3] ^= 1
    damaged.write_bytes(data)
    partition_path(layout.root, ARTICLES, "2026-11-08").unlink()
    second = partition_path(layout.root, ARTICLES, FIRST_DAY).with_name("part-00001.parquet")
    shutil.copy(partition_path(layout.root, ARTICLES, FIRST_DAY), second)
    found = problems(layout)
    assert any("date=2026-11-01/part-00000" in line for line in found["readable"])
    assert sorted(line.partition(": ")[2] for line in found["checksums"]) == [
        "is missing",
        "is not what was written",
        "was not written by this program",
    ]
    assert found["layout"] == [
        f"articles/date={FIRST_DAY}/part-00001.parquet: a partition has one file,"
        " part-00000.parquet; newsalign compact joins them"
    ]
    # What a stance refers to can't be looked up while stances can't be read.
    assert not any("stances" in line for line in found.get("orphans", ()))


def test_a_file_that_is_no_parquet(layout: Layout) -> None:
    partition_path(layout.root, ARTICLES, FIRST_DAY).write_bytes(b"not Parquet")
    found = problems(layout)
    assert list(found) == ["readable", "checksums"]


def test_schemas(layout: Layout) -> None:
    def as_written_by(path: Path, schema: pa.Schema, columns: dict[str, Any]) -> None:
        pq.write_table(pa.table(columns, schema=schema), path)
        note_files(layout.index, [sum_file(layout.root, path)])

    newer = partition_path(layout.root, STORY_ALIASES, None)
    newer.parent.mkdir()
    schema = STORY_ALIASES.schema.with_metadata(
        {"dataset": "story_aliases", "schema_version": "99"}
    )
    as_written_by(newer, schema, {"alias": ["a"], "story_id": ["b"]})
    foreign = layout.root / "rejects" / "date=2026-11-01" / "part-00000.parquet"
    foreign.parent.mkdir(parents=True)
    as_written_by(foreign, pa.schema([("reject_id", pa.int64())]), {"reject_id": [1]})
    assert problems(layout) == {
        "schema": [
            "rejects/date=2026-11-01/part-00000.parquet: says that it is of no dataset",
            "rejects/date=2026-11-01/part-00000.parquet: states no schema version",
            "rejects/date=2026-11-01/part-00000.parquet: column reject_id is int64, not string",
            "story_aliases/part-00000.parquet: has schema version 99; this program knows up to 1",
        ]
    }


def changed(key: str, value: Any, which: int = 0) -> Callable[[list[Row]], list[Row]]:
    """Return a change of one value of one row."""

    def change(rows: list[Row]) -> list[Row]:
        return [{**row, key: value} if n == which else row for n, row in enumerate(rows)]

    return change


def test_counts_that_do_not_add_up(layout: Layout) -> None:
    rewrite(layout, "alignments", FIRST_DAY, changed("supportive", 7))
    rewrite(layout, "alignments", "2026-11-02", lambda rows: rows[1:])
    rewrite(layout, "alignments", "2026-11-08", lambda rows: [*rows, {**rows[0], "source": "X"}])
    rewrite(layout, "comentions", FIRST_DAY, changed("stories", 9))
    rewrite(layout, "coverage", FIRST_DAY, changed("copies", 5))
    found = problems(layout)
    assert {name: len(lines) for name, lines in found.items()} == {
        "alignments": 3,
        "comentions": 1,
        "coverage": 1,
    }
    told = sorted(line.rpartition(": ")[2] for lines in found.values() for line in lines)
    assert told == [
        "holds copies 5 for 0",
        "holds stories 9 for 1",
        "holds supportive 7 for 0",
        "is missing",
        "nothing that is stored adds up to it",
    ]


def test_evidence_that_its_counts_forget(layout: Layout) -> None:
    rewrite(layout, "stances", FIRST_DAY, changed("counted", False))
    found = problems(layout)
    assert set(found) == {"alignments"}
    told = {line.rpartition(": ")[2] for line in found["alignments"]}
    assert told == {"nothing that is stored adds up to it"}


def test_references(layout: Layout) -> None:
    rewrite(layout, "stances", FIRST_DAY, changed("article_id", "nobody"))
    rewrite(layout, "actors", None, lambda rows: [r for r in rows if r["actor"] != "CHN"])
    rewrite(layout, "outlets", None, lambda rows: [r for r in rows if r["outlet"] != "Gulf Ledger"])
    found = problems(layout)
    assert set(found) == {"orphans"}
    assert len(found["orphans"]) == 3
    assert "actors CHN: is named and has no row" in found["orphans"]
    assert "outlets Gulf Ledger: is named and has no row" in found["orphans"]


def test_stories(layout: Layout) -> None:
    def two_firsts(rows: list[Row]) -> list[Row]:
        return [{**row, "is_canonical": True} for row in rows]

    rewrite(layout, "articles", FIRST_DAY, two_firsts)
    rewrite(layout, "articles", "2026-11-08", changed("story_articles", 4))
    found = problems(layout)
    assert sorted(line.partition(": ")[2] for line in found["stories"]) == [
        "2 of its 2 articles are its first",
        "says 4 articles and has 1",
    ]


def test_keys_and_dates(layout: Layout) -> None:
    rewrite(layout, "actors", None, lambda rows: [*rows, rows[0]])
    late = datetime(2026, 11, 3, tzinfo=UTC)
    rewrite(layout, "runs", "2026-11-09", changed("started_at", late))
    found = problems(layout)
    assert found["keys"] == ["actors CHN: 2 rows have this key"]
    (line,) = found["dates"]
    assert line.startswith("runs/date=2026-11-09: 1 rows of other dates, one of 2026-11-03")


def test_aliases(layout: Layout) -> None:
    (story,) = {
        row["story_id"] for row in pq.read_table(
            partition_path(layout.root, ARTICLES, "2026-11-08")).to_pylist()
    }  # fmt: skip
    rows = [
        {"alias": "a", "story_id": story},
        {"alias": "b", "story_id": "a"},
        {"alias": "c", "story_id": "nowhere"},
        {"alias": story, "story_id": "elsewhere"},
    ]
    path = partition_path(layout.root, STORY_ALIASES, None)
    write_rows(STORY_ALIASES, rows, path)
    note_files(layout.index, [sum_file(layout.root, path)])
    with sqlite3.connect(layout.index) as db:
        db.executemany("INSERT INTO aliases VALUES (?, ?)", [(*row.values(),) for row in rows])
    found = problems(layout)
    assert set(found) == {"aliases"}
    assert f"alias {story}: is a story itself" in found["aliases"]
    assert "alias b: leads to the alias a" in found["aliases"]
    assert "alias c: leads to no story" in found["aliases"]


def test_the_index(layout: Layout) -> None:
    with sqlite3.connect(layout.index) as db:
        db.execute(
            "UPDATE articles SET facts = json_set(facts, '$.coding_version', 'other')"
            " WHERE article_id = (SELECT min(article_id) FROM articles)"
        )
        db.execute("DELETE FROM articles WHERE article_id = (SELECT max(article_id) FROM articles)")
        db.execute("DELETE FROM keys WHERE key LIKE '%gulf-ledger%'")
        db.execute("INSERT INTO edges VALUES ('p', 'q', 0.9, 'jaccard')")
        db.execute("INSERT INTO rejects VALUES ('r', '2026-11-01')")
    found = problems(layout)
    assert set(found) == {"index"}
    told = [line.rpartition(": ")[2] for line in found["index"]]
    assert "the index has another coding version" in told
    assert "is stored and not in the index" in told
    assert "copies p q: is in the index and not stored" in found["index"]
    assert "rejects r: is in the index and not stored" in found["index"]
    assert any("isn't known by its key u:https://gulf-ledger" in line for line in found["index"])


def test_an_index_that_cannot_be_read(layout: Layout) -> None:
    layout.index.write_bytes(b"not a database" * 100)
    found = problems(layout)
    assert found == {"index": ["index: can't be read; the next run makes it anew"]}
    layout.index.unlink()
    findings = verify(layout, load_config(None))
    assert findings.ok
    assert findings.notes == ["there is no index; the next run makes it"]


def test_the_journal(layout: Layout) -> None:
    items = [RawItem(origin=f"o{n}", fetched_at=datetime(2026, 11, 9, tzinfo=UTC)) for n in (1, 2)]
    pending = layout.journal / "pending"
    good = write_segment(pending, items, items[0].fetched_at)
    bad = write_segment(pending, items, items[0].fetched_at + timedelta(hours=1))
    assert good is not None and bad is not None
    bad.write_bytes(bad.read_bytes().replace(b"o2", b"o3"))
    good.rename(good.with_name(good.name.replace("-2.jsonl", "-3.jsonl")))
    found = problems(layout)
    assert set(found) == {"journal"}
    told = [line.partition(": ")[2] for line in found["journal"]]
    assert told == ["holds 2 records and says 3", "line 2: checksum mismatch"]


def test_it_reads_the_store_as_it_was_while_others_write(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.maintenance import verify as module

    def and_meanwhile(*args: Any) -> Any:
        # Whoever waits for the lock gets it while the store is read.
        with writer_lock(layout.lock, "run"):
            shutil.rmtree(layout.root / ALIGNMENTS.name)
            layout.index.unlink()
        return checked(*args)

    checked = module.check_files
    monkeypatch.setattr(module, "check_files", and_meanwhile)
    assert verify(layout, load_config(None)).ok
    monkeypatch.undo()
    assert not verify(layout, load_config(None)).ok


def test_without_hard_links_the_store_is_held_while_it_is_read(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*args: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    def and_meanwhile(*args: Any) -> Any:
        with pytest.raises(LockedError, match="verify"), writer_lock(layout.lock, "run"):
            pass
        return check_files(*args)

    monkeypatch.setattr("os.link", no_links)
    monkeypatch.setattr("pipeline.maintenance.verify.check_files", and_meanwhile)
    assert verify(layout, load_config(None)).ok
    assert not list(layout.snapshots.iterdir())


def test_a_store_that_cannot_be_written_to_is_read_as_it_is(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*args: Any) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr("pipeline.maintenance.snapshot.writer_lock", read_only)
    monkeypatch.setattr("os.link", read_only)
    read: list[Path] = []

    def noting(store: Layout, findings: Any) -> set[str]:
        read.append(store.root)
        return check_files(store, findings)

    monkeypatch.setattr("pipeline.maintenance.verify.check_files", noting)
    assert verify(layout, load_config(None)).ok
    assert read == [layout.root]


def test_a_snapshot_that_a_kill_left_goes_with_the_next(layout: Layout) -> None:
    # Its holder's number is another process's by now.
    left = layout.snapshots / f"{os.getpid()}-abc"
    left.mkdir(parents=True)
    (left / "held.lock").write_text("{}")
    assert verify(layout, load_config(None)).ok
    assert list(layout.snapshots.iterdir()) == []


def test_a_snapshot_that_is_read_stays(layout: Layout) -> None:
    with snapshot(layout, "verify", 0.0) as first, snapshot(layout, "verify", 0.0) as second:
        assert first.root != second.root
        assert first.index.exists() and second.index.exists()
    assert list(layout.snapshots.iterdir()) == []


def test_a_run_clears_a_snapshot_away(layout: Layout) -> None:
    (layout.snapshots / "left" / "articles").mkdir(parents=True)
    run(load_config(None, {"output.path": str(layout.root)}))
    assert not (layout.snapshots / "left").exists()


def test_what_is_committed_of_the_journal_is_no_part_of_a_snapshot(layout: Layout) -> None:
    journal = Journal(layout.journal)
    records = [RawItem(origin="o", fetched_at=datetime(2026, 11, 1, tzinfo=UTC))]
    done, waiting = (
        write_segment(journal.pending_folder, records, datetime(2026, 11, day, tzinfo=UTC))
        for day in (1, 2)
    )
    assert done is not None and waiting is not None
    journal.advance({done.name: 1})
    with snapshot(layout, "verify", 0.0) as store:
        assert [path.name for path in store.journal.rglob("*.jsonl")] == [waiting.name]
        assert len(Journal(store.journal).pending()) == 1


def test_a_store_that_is_written_to_is_waited_for(layout: Layout, invoke: Invoke) -> None:
    with writer_lock(layout.lock, "run"):
        result = invoke("verify", "--output", layout.root, "--wait", "0")
    assert result.exit_code == 1
    assert "another process is writing there: run" in result.stderr


def test_rejects_without_their_row_in_coverage(layout: Layout) -> None:
    path = partition_path(layout.root, REJECTS, FIRST_DAY)
    row = {"reject_id": "r", "at": datetime(2026, 11, 1, 3, tzinfo=UTC), "stage": "read"}
    write_rows(REJECTS, [row], path)
    note_files(layout.index, [sum_file(layout.root, path)])
    with sqlite3.connect(layout.index) as db:
        db.execute("INSERT INTO rejects VALUES ('r', ?)", (FIRST_DAY,))
    found = problems(layout)
    assert set(found) == {"coverage"}
    assert {line.rpartition(": ")[2] for line in found["coverage"]} == {"is missing"}


def test_a_folder_that_is_no_store(tmp_path: Path, invoke: Invoke) -> None:
    for folder, message in ((tmp_path / "none", "no such folder"), (tmp_path, "holds none of")):
        result = invoke("verify", "--output", folder)
        assert result.exit_code == 2
        assert message in result.stderr
        assert not (folder / "_state").exists()


def test_copies_that_were_published_too_far_apart(layout: Layout) -> None:
    first, late = FIRST_DAY, "2026-11-08"
    far = read_rows(ARTICLES, partition_path(layout.root, ARTICLES, first))[0]["article_id"]
    join = {"article_id": far, "similarity": 0.9, "method": "jaccard"}
    rewrite(layout, "articles", late, changed("joins", [join]))
    told = [line.partition(": ")[2] for line in problems(layout)["stories"]]
    assert told == [f"was published over 7 days from {far}, with which it is joined"]
