"""The store: one writer, a commit that can stop anywhere, an index that says what it was told."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.journal import Journal
from pipeline.store.checksums import noted_files, sum_file
from pipeline.store.commit import Commit, StagedFile, commit, finish
from pipeline.store.index import (
    BAND_MEMBERS,
    IndexChanges,
    IndexView,
    apply_changes,
    encode_article,
)
from pipeline.store.layout import Layout
from pipeline.store.lock import LockedError, writer_lock
from pipeline.store.rebuild import noted
from transforms.parquet_io import partition_path, read_rows, write_rows
from transforms.partitions import Place
from transforms.records import RawItem
from transforms.schemas import RUNS, STORY_ALIASES
from transforms.segments import write_segment
from transforms.store_view import Edge, StoredArticle

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def article(name: str, story: str = "s", **over: object) -> StoredArticle:
    values: dict[str, object] = {
        "article_id": name,
        "identity_keys": (f"u:{name}",),
        "content_hash": "h",
        "content_hashes": ("h",),
        "published_at": NOW,
        "published_at_source": "feed",
        "first_seen_at": NOW,
        "version_at": NOW,
        "is_full": True,
        "story_id": story,
        "outlet": "o",
        "analysed": True,
        "sentences": ("x",),
        "own": (0,),
        "actors": ("RUS",),
        "rollups": ("RUS",),
        "coding_version": "c",
    }
    return StoredArticle(**{**values, **over})  # type: ignore[arg-type]


def changes(*articles: StoredArticle, **over: object) -> IndexChanges:
    values: dict[str, object] = {
        "articles": [encode_article(a) for a in articles],
        "bands": {a.article_id: [1, -(2**62)] for a in articles},
        "edges": [],
        "dropped_edges": [],
        "aliases": {},
        "dropped_aliases": [],
        "rejects": {},
    }
    return IndexChanges(**{**values, **over})  # type: ignore[arg-type]


def test_the_index_answers_what_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    apply_changes(
        path,
        "b1",
        changes(
            article("a"),
            article("b", "t"),
            edges=[("a", "b", 0.9, "jaccard")],
            aliases={"old": "s"},
            rejects={"r": "2026-11-20"},
        ),
    )
    view = IndexView(path)
    assert view.by_keys(["u:a", "u:zz"]) == {"u:a": "a"}
    assert view.articles(["a", "nobody"]) == {"a": article("a")}
    assert view.members(["s", "t"]) == {"s": ("a",), "t": ("b",)}
    assert list(view.edges(["a", "b"])) == [Edge("a", "b", 0.9, "jaccard")]
    assert list(view.edges(["a"])) == []
    assert view.aliases(["s"]) == view.aliases(["old"]) == {"old": "s"}
    week = timedelta(days=7)
    both = [(1, "a", NOW), (1, "b", NOW)]
    assert sorted(view.band_members([1], NOW - week, NOW)) == both
    assert sorted(view.band_members([1, 7], NOW, NOW + 3 * week)) == both
    assert list(view.band_members([1], NOW + timedelta(seconds=1), NOW + week)) == []
    assert view.days(["a"]) == {"a": "2026-11-20"}
    assert view.rejects(["r", "q"]) == {"r": "2026-11-20"}


def test_an_index_that_is_not_there_knows_nothing(tmp_path: Path) -> None:
    view = IndexView(tmp_path / "none.sqlite")
    assert view.by_keys(["u:a"]) == {}
    assert not (tmp_path / "none.sqlite").exists()


def test_changes_apply_once_and_replace(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    apply_changes(path, "b1", changes(article("a"), edges=[("a", "b", 0.9, "x")]))
    apply_changes(path, "b1", changes(article("a", "other")))
    assert IndexView(path).articles(["a"])["a"].story_id == "s"
    apply_changes(
        path,
        "b2",
        changes(
            article("a", "other"), bands={"a": [5]}, dropped_edges=["b"], aliases={"s": "other"}
        ),
    )
    view = IndexView(path)
    assert view.articles(["a"])["a"].story_id == "other"
    assert list(view.band_members([1, 5], NOW, NOW)) == [(5, "a", NOW)]
    assert list(view.edges(["a", "b"])) == []
    apply_changes(path, "b3", changes(dropped_aliases=["s"]))
    assert IndexView(path).aliases(["s"]) == {}


def test_many_ids_are_asked_in_chunks(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    many = [article(f"a{n}") for n in range(1500)]
    apply_changes(path, "b1", changes(*many, aliases={f"old{n}": f"s{n}" for n in range(1500)}))
    view = IndexView(path)
    assert len(view.articles([a.article_id for a in many])) == 1500
    assert len(view.aliases([f"s{n}" for n in range(1500)])) == 1500


def prepare(layout: Layout, batch: str, value: str) -> Commit:
    """Stage one alias file and one journal segment."""
    staging = layout.staging / batch
    row = {"alias": "a", "story_id": value}
    write_rows(STORY_ALIASES, [row], partition_path(staging, STORY_ALIASES, None))
    records = [RawItem(origin="o", fetched_at=NOW)]
    segment = write_segment(Journal(layout.journal).pending_folder, records, NOW)
    assert segment is not None
    return Commit(
        batch_id=batch,
        staging=staging.relative_to(layout.root).as_posix(),
        files=[StagedFile("story_aliases", "", "story_aliases/part-00000.parquet", 1)],
        index=changes(article(batch)),
        offsets={segment.name: 1},
    )


def stored(layout: Layout) -> list[dict[str, object]]:
    return read_rows(STORY_ALIASES, partition_path(layout.root, STORY_ALIASES, None))


def test_a_commit_moves_files_index_and_offset(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    changed = commit(layout, prepare(layout, "b1", "one"))
    assert changed == [Place("story_aliases", "")]
    assert stored(layout) == [{"alias": "a", "story_id": "one"}]
    assert list(IndexView(layout.index).articles(["b1"])) == ["b1"]
    assert Journal(layout.journal).pending() == []
    assert not layout.intent.exists()


def test_the_same_bytes_are_no_change(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    commit(layout, prepare(layout, "b1", "one"))
    before = partition_path(layout.root, STORY_ALIASES, None).stat().st_mtime_ns
    assert commit(layout, prepare(layout, "b2", "one")) == []
    assert partition_path(layout.root, STORY_ALIASES, None).stat().st_mtime_ns == before


def test_a_partition_without_rows_goes_away(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    commit(layout, prepare(layout, "b1", "one"))
    change = prepare(layout, "b2", "x")
    empty = StagedFile("story_aliases", "", "story_aliases/part-00000.parquet", 0)
    commit(layout, Commit("b2", change.staging, [empty], None, {}))
    assert stored(layout) == []


def test_files_are_removed_after_the_others_are_in_place(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    old = partition_path(layout.root, RUNS, "2026-11-01")
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    kept = old.with_name("part-00001.parquet")
    kept.write_bytes(b"kept")
    path = old.relative_to(layout.root).as_posix()
    change = dataclasses.replace(prepare(layout, "b1", "one"), removed=[path])
    assert commit(layout, change) == [Place("story_aliases", ""), Place("runs", "2026-11-01")]
    assert not old.exists() and kept.exists()
    change = Commit("b2", "_state/staging/none", [], None, {}, [f"{Path(path).parent}/{kept.name}"])
    assert commit(layout, change) == [Place("runs", "2026-11-01")]
    assert not old.parent.exists()


def test_the_index_knows_what_every_file_holds(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    for batch in ("one", "two"):
        commit(layout, prepare(layout, batch, batch))
        path = partition_path(layout.root, STORY_ALIASES, None)
        found = sum_file(layout.root, path)
        assert noted_files(layout.index) == {"story_aliases/part-00000.parquet": found}
    commit(layout, Commit("b3", "_state/staging/none", [], None, {}, [found.path]))
    assert noted_files(layout.index) == {}


def test_what_was_published_before_a_day_leaves_the_index(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    old = article("old", published_at=NOW - timedelta(days=1))
    both = changes(
        old,
        article("new"),
        edges=[("new", "old", 0.9, "x"), ("new", "newer", 0.9, "x")],
        aliases={"former": "s"},
        rejects={"r": "2026-11-19", "q": "2026-11-20"},
    )
    apply_changes(path, "b1", both)
    apply_changes(path, "b2", IndexChanges(before="2026-11-20", dropped_rejects=["none"]))
    view = IndexView(path)
    assert list(view.articles(["old", "new"])) == ["new"]
    assert view.by_keys(["u:old", "u:new"]) == {"u:new": "new"}
    assert [a for _, a, _ in view.band_members([1], NOW - timedelta(days=7), NOW)] == ["new"]
    assert list(view.edges(["new", "old", "newer"])) == [Edge("new", "newer", 0.9, "x")]
    assert view.rejects(["r", "q"]) == {"q": "2026-11-20"}
    assert view.aliases(["former"]) == {"former": "s"}
    apply_changes(path, "b3", IndexChanges(dropped_rejects=["q"]))
    assert IndexView(path).rejects(["r", "q"]) == {}


def test_of_a_crowded_band_the_first_and_the_last_come_back_whatever_came_first(
    tmp_path: Path,
) -> None:
    chance = random.Random(4)
    hours = {f"{number:04}": number // 2 for number in range(500)}  # two at a time
    articles = [
        article(name, published_at=NOW + timedelta(hours=hour)) for name, hour in hours.items()
    ]
    since, until = NOW + timedelta(hours=50), NOW + timedelta(hours=150)
    answers = set()
    for attempt in range(4):
        chance.shuffle(articles)
        path = tmp_path / f"{attempt}.sqlite"
        for start in range(0, len(articles), 125):
            apply_changes(path, f"b{start}", changes(*articles[start : start + 125]))
        members = IndexView(path).band_members([1], since, until)
        answers.add(tuple((name, moment) for _, name, moment in members))
    (found,) = answers
    times = [moment for _, moment in found]
    assert times == sorted(times) and times[0] == since and times[-1] == until
    assert BAND_MEMBERS <= len({name for name, _ in found}) == len(found) <= 3 * BAND_MEMBERS


def test_a_commit_to_an_index_of_another_format_can_be_finished(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    change = prepare(layout, "b1", "one")
    with closing(sqlite3.connect(layout.index)) as db, db:
        db.execute("CREATE TABLE articles (something_else TEXT)")
        db.execute("CREATE TABLE about (name TEXT, value TEXT)")
        db.execute("INSERT INTO about VALUES ('deduplicate', '1 {}')")
    assert commit(layout, change) == [Place("story_aliases", "")]
    assert list(IndexView(layout.index).articles(["b1"])) == ["b1"]
    # It holds this batch alone, and says of no settings that it was made with them.
    assert noted(layout.index) is None


def test_a_commit_to_a_damaged_index_leaves_it_to_be_made_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    change = prepare(layout, "b1", "one")
    layout.index.write_bytes(b"not a database" * 100)
    assert commit(layout, change) == [Place("story_aliases", "")]
    assert not layout.index.exists() and not layout.intent.exists()


@pytest.mark.parametrize("done", ["nothing", "files", "index", "offsets"])
def test_a_commit_stopped_anywhere_is_finished_by_the_next_start(tmp_path: Path, done: str) -> None:
    layout = Layout(tmp_path / "out")
    change = prepare(layout, "b1", "one")
    commit(layout, change)
    finished = layout.root
    again = Layout(tmp_path / "again")
    commit_record = prepare(again, "b1", "one")
    again.state.mkdir(parents=True, exist_ok=True)
    from pipeline.store import commit as module

    again.intent.write_text(json.dumps(module._to_json(commit_record)))
    if done in ("files", "index", "offsets"):
        target = partition_path(again.root, STORY_ALIASES, None)
        target.parent.mkdir(parents=True)
        shutil.move(partition_path(again.staging / "b1", STORY_ALIASES, None), target)
    if done in ("index", "offsets"):
        assert commit_record.index is not None
        apply_changes(again.index, "b1", commit_record.index)
    if done == "offsets":
        Journal(again.journal).advance(commit_record.offsets)
    finish(again)
    assert stored(again) == stored(Layout(finished))
    assert list(IndexView(again.index).articles(["b1"])) == ["b1"]
    assert Journal(again.journal).pending() == []
    assert finish(again) == []


def test_a_commit_finishes_the_one_that_was_interrupted_before_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    first = prepare(layout, "b1", "one")
    layout.state.mkdir(parents=True, exist_ok=True)
    from pipeline.store import commit as module

    layout.intent.write_text(json.dumps(module._to_json(first)))
    second = prepare(layout, "b2", "two")
    commit(layout, second)
    assert set(IndexView(layout.index).articles(["b1", "b2"])) == {"b1", "b2"}
    assert stored(layout) == [{"alias": "a", "story_id": "two"}]
    assert Journal(layout.journal).pending() == []


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "out" / "_state" / "writer.lock"
    with (
        writer_lock(path, "run"),
        pytest.raises(LockedError) as caught,
        writer_lock(path, "other"),
    ):
        pass
    assert f"process {os.getpid()}" in str(caught.value)
    assert "run" in str(caught.value)
    with writer_lock(path, "free again"):
        pass


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    path = tmp_path / "out" / "_state" / "writer.lock"
    code = (
        "import sys, time; from pathlib import Path; from pipeline.store.lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1]), 'child'):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(LockedError, match="child"), writer_lock(path, "me"):
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 10
    with writer_lock(path, "me", wait_s=deadline - time.monotonic()):
        pass


def test_a_file_that_is_to_go_goes_whatever_a_kill_has_left_of_its_staged_one(
    tmp_path: Path,
) -> None:
    from pipeline.store import commit as module

    layout = Layout(tmp_path / "out")
    commit(layout, prepare(layout, "b1", "one"))
    empty = StagedFile("story_aliases", "", "story_aliases/part-00000.parquet", 0)
    change = Commit("b2", "_state/staging/b2", [empty], None, {})
    layout.intent.write_text(json.dumps(module._to_json(change)))
    assert finish(layout) == [Place("story_aliases", "")]
    assert stored(layout) == []


def test_what_a_file_was_joined_from_goes_before_other_files_are_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.store import commit as module

    layout = Layout(tmp_path / "out")
    first = partition_path(layout.root, RUNS, "2026-11-01")
    other = first.with_name("part-00001.parquet")
    write_rows(RUNS, [], first)
    write_rows(RUNS, [], other)
    change = prepare(layout, "b1", "one")
    joined = partition_path(layout.root / change.staging, RUNS, "2026-11-01")
    write_rows(RUNS, [{"run_id": "r", "started_at": NOW}], joined)
    path = first.relative_to(layout.root).as_posix()
    files = [*change.files, StagedFile("runs", "2026-11-01", path, 1)]
    found: dict[str, bool] = {}
    put = module._put

    def looking(root: Path, staging: Path, file: StagedFile) -> bool:
        found[file.dataset] = other.exists()
        return put(root, staging, file)

    monkeypatch.setattr(module, "_put", looking)
    removed = [other.relative_to(layout.root).as_posix()]
    commit(layout, dataclasses.replace(change, files=files, removed=removed))
    assert found == {"runs": True, "story_aliases": False}


def test_folders_that_files_came_to_or_went_from_are_made_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.store import commit as module

    layout = Layout(tmp_path / "out")
    commit(layout, prepare(layout, "b1", "one"))
    synced: list[Path] = []
    monkeypatch.setattr(module, "fsync_folder", synced.append)
    empty = StagedFile("story_aliases", "", "story_aliases/part-00000.parquet", 0)
    commit(layout, Commit("b2", "_state/staging/b2", [empty], None, {}))
    assert layout.root / "story_aliases" in synced
