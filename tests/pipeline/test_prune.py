"""`newsalign prune`: whole old weeks go from every dataset and the index; nothing else changes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Invoke
from upkeep_store import build_whole_store, contents, rewrite

from pipeline.config import load_config
from pipeline.maintenance.access import Visit, locked
from pipeline.maintenance.prune import parse_keep, plan_prune, prune
from pipeline.maintenance.recount import recount_days
from pipeline.maintenance.verify import verify
from pipeline.store.commit import Commit, StagedFile, commit
from pipeline.store.index import IndexView
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from pipeline.store.pruned import pruned_before
from pipeline.store.rebuild import rebuild_index
from transforms.manifest import staged_file
from transforms.parquet_io import partition_path, read_rows, write_rows
from transforms.schemas import ARTICLES

# A Wednesday; the fixture has articles of 1, 2 and 8 November 2026, a Sunday, Monday and Sunday.
TODAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_whole_store(tmp_path_factory.mktemp("whole") / "store").root


@pytest.fixture
def layout(whole: Path, tmp_path: Path) -> Layout:
    return Layout(Path(shutil.copytree(whole, tmp_path / "store")))


@pytest.mark.parametrize(
    ("text", "days"), [("180d", 180), ("26w", 182), ("2y", 730), (" 14 D ", 14)]
)
def test_a_time_to_keep(text: str, days: int) -> None:
    assert parse_keep(text) == days


@pytest.mark.parametrize("text", ["", "180", "d", "-5d", "1.5w", "6m", "200y", "9999999d", "x"])
def test_nonsense_is_refused(text: str, layout: Layout, invoke: Invoke) -> None:
    before = contents(layout)
    result = invoke("prune", "--keep", text, "--output", layout.root)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert contents(layout) == before


def test_less_than_copies_need_is_refused(layout: Layout, invoke: Invoke) -> None:
    result = invoke("prune", "--keep", "13d", "--output", layout.root)
    assert result.exit_code == 2
    assert "keep at least 14d" in result.stderr
    longer = ["--set", "deduplicate.horizon_days=30"]
    result = invoke("prune", "--keep", "30d", "--output", layout.root, *longer)
    assert result.exit_code == 2 and "at least 37d" in result.stderr


@pytest.mark.parametrize(("keep", "before"), [(22, "2026-11-02"), (23, "2026-11-02"),
                                              (24, "2026-10-26"), (17, "2026-11-02"),
                                              (16, "2026-11-09")])  # fmt: skip
def test_whole_weeks_are_kept(layout: Layout, keep: int, before: str) -> None:
    plan = plan_prune(layout, keep, TODAY, 7)
    assert plan.before.isoformat() == before
    days = {path.split("/")[1].removeprefix("date=") for path in plan.files}
    assert all(day < before for day in days)


def test_old_partitions_go_and_the_rest_stays_as_it_is(layout: Layout) -> None:
    before = contents(layout)
    with locked(layout, "prune", 0.0):
        plan = plan_prune(layout, 22, TODAY, 7)
        prune(layout, plan, Visit("prune", "hash"))
    old = {path for path in before if "date=2026-10-26" in path or "date=2026-11-01" in path}
    assert set(plan.files) == old
    assert contents(layout) == {path: data for path, data in before.items() if path not in old}
    assert sum(plan.bytes.values()) == sum(len(before[path]) for path in old)
    assert plan.partitions == {**Counter(path.split("/")[0] for path in old)}
    assert not list(layout.root.glob("*/date=2026-11-01"))
    assert pruned_before(layout) == date(2026, 11, 2)
    known = IndexView(layout.index).members({*_stories(layout)})
    assert sum(map(len, known.values())) == 3
    assert verify(layout, load_config(None)).ok


def _stories(layout: Layout) -> set[str]:
    files = str(layout.root / "articles/**/*.parquet")
    return {s for (s,) in duckdb.sql(f"SELECT story_id FROM read_parquet('{files}')").fetchall()}


def test_a_copy_outlives_its_first_article(layout: Layout) -> None:
    """The first article goes with its week; its copy in the next stays, and is no problem."""
    first = partition_path(layout.root, ARTICLES, "2026-11-01")
    copy = [row for row in read_rows(ARTICLES, first) if not row["is_canonical"]]
    moved = [{**row, "published_at": datetime(2026, 11, 2, 1, tzinfo=UTC)} for row in copy]
    rewrite(layout, "articles", "2026-11-01", lambda rows: [r for r in rows if r not in copy])
    later = partition_path(layout.root, ARTICLES, "2026-11-02")
    write_rows(ARTICLES, [*read_rows(ARTICLES, later), *moved], later)
    layout.index.unlink()
    config = load_config(None)
    staged = recount_days(
        layout.root, layout.staging / "x", [], ["2026-11-01", "2026-11-02"], config.aggregate
    )
    files = [StagedFile(**staged_file(one)) for one in staged]
    commit(layout, Commit("x", "_state/staging/x", files, None, {}))
    rebuild_index(layout, config.deduplicate)
    assert verify(layout, config).ok
    with locked(layout, "prune", 0.0):
        prune(layout, plan_prune(layout, 22, TODAY, 7), Visit("prune", "hash"))
    found = verify(layout, config)
    assert found.problems == []
    layout.pruned.unlink()
    assert [one.check for one in verify(layout, config).problems] == ["stories"]


def on(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr("pipeline.commands.prune.today", lambda: day)


def test_a_dry_run_says_the_same_and_changes_nothing(
    layout: Layout, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, TODAY)
    options = ("prune", "--keep", "22d", "--output", layout.root)
    before = contents(layout)
    dry = invoke(*options, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    assert contents(layout) == before
    assert "would free" in invoke(*options, "--dry-run").stdout
    done = invoke(*options, "--json")
    said, did = json.loads(dry.stdout), json.loads(done.stdout)
    assert said["dry_run"] and not did["dry_run"]
    assert said["partitions"] == did["partitions"] != {}
    assert said["bytes"] == did["bytes"]
    assert contents(layout) != before
    assert invoke(*options).stdout == "nothing is older than 2026-11-02\n"


def test_a_clock_that_would_leave_nothing_is_refused(
    layout: Layout, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, date(2036, 11, 25))
    options = ("prune", "--keep", "26w", "--output", layout.root)
    before = contents(layout)
    result = invoke(*options)
    assert result.exit_code == 2
    assert "is the clock right" in result.stderr
    assert contents(layout) == before
    result = invoke(*options, "--force")
    assert result.exit_code == 0, result.output
    assert contents(layout, "articles", "stances", "alignments") == {}
    assert set(contents(layout)) == {"actors/part-00000.parquet", "outlets/part-00000.parquet"}


def test_a_store_that_is_written_to_is_waited_for(layout: Layout, invoke: Invoke) -> None:
    with writer_lock(layout.lock, "schedule"):
        result = invoke("prune", "--keep", "14d", "--wait", "0", "--output", layout.root)
    assert result.exit_code == 1
    assert "another process is writing there: schedule" in result.stderr
