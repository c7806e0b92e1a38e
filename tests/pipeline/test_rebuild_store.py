"""`newsalign rebuild`: which stories are chosen, in which batches, and what stays as it is."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke
from upkeep_store import build_whole_store, contents

from pipeline.config import load_config
from pipeline.job import JobSpec
from pipeline.maintenance import rebuild as module
from pipeline.maintenance.access import Visit
from pipeline.maintenance.rebuild import by_day, drop_unnamed_actors, rebuild, stories_of
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from pipeline.supervise import Job, RunFailedError, WorkerDiedError
from transforms.manifest import INDEX_CHANGES, MANIFEST
from transforms.parquet_io import partition_path, read_rows
from transforms.schemas import ACTORS, RUNS
from transforms.stances.model_files import ModelError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_whole_store(tmp_path_factory.mktemp("whole") / "store").root


@pytest.fixture
def layout(whole: Path, tmp_path: Path) -> Layout:
    return Layout(Path(shutil.copytree(whole, tmp_path / "store")))


class Jobs:
    """Stands for the jobs that code stories anew: notes what they were given, changes nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, version: str = "new") -> None:
        self.given: list[list[list[Any]]] = []
        self.deadly: set[str] = set()
        self.version = version
        monkeypatch.setattr(module, "run_logged_job", self._run)
        monkeypatch.setattr(module, "coding_version", lambda *args: version)
        monkeypatch.setattr(module.Catalog, "load", lambda paths: None)

    def _run(self, job: Job, spec: JobSpec, *more: Any) -> dict[str, Any]:
        self.given.append(spec.stories)
        if self.deadly & self.stories(spec.stories):
            raise WorkerDiedError("killed by SIGKILL")
        assert spec.staging is not None
        staging = Path(spec.staging)
        staging.mkdir()
        counts = {"articles": spec.items, "stories": len(self.stories(spec.stories))}
        (staging / MANIFEST).write_text(json.dumps({"files": [], "counts": counts}))
        (staging / INDEX_CHANGES).write_text("{}")
        return {"coding_version": self.version}

    @staticmethod
    def stories(given: list[list[Any]]) -> set[str]:
        return {story for _, stories in given for story in stories}


def days(given: list[list[Any]]) -> list[str]:
    return [day for day, _ in given]


def test_stories_are_gathered_from_their_articles() -> None:
    stories = stories_of(
        [("t", "2026-11-02", "a"), ("s", "2026-11-01", "a"), ("s", "2026-11-02", "b"),
         ("s", "2026-11-02", "b")]
    )  # fmt: skip
    assert [(s.story_id, s.days, s.versions, s.articles) for s in stories] == [
        ("s", {"2026-11-01": 1, "2026-11-02": 2}, {"a", "b"}, 3),
        ("t", {"2026-11-02": 1}, {"a"}, 1),
    ]
    assert by_day(stories) == [["2026-11-01", ["s"]], ["2026-11-02", ["s", "t"]]]


def test_only_the_days_asked_for(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(monkeypatch)
    between = (date(2026, 11, 2), date(2026, 11, 7))
    report = rebuild(layout, load_config(None), None, between)
    assert [days(given) for given in jobs.given] == [["2026-11-02"]]
    assert report.counts["articles"] == report.counts["stories"] == 2
    assert report.counts["batches"] == 1


def test_what_has_this_coding_is_passed_over(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Jobs(monkeypatch, "c0ffee00c0ffee00")
    assert rebuild(layout, load_config(None), None).counts == {}
    assert same.given == []
    report = rebuild(layout, load_config(None), None, everything=True)
    assert report.counts["stories"] == 4
    assert days(same.given[0]) == ["2026-11-01", "2026-11-02", "2026-11-08"]


def test_large_stores_go_in_batches(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(monkeypatch)
    config = load_config(None, {"runner.batch_articles": 2})
    report = rebuild(layout, config, None)
    assert [days(given) for given in jobs.given] == [
        ["2026-11-01"], ["2026-11-02"], ["2026-11-08"]]  # fmt: skip
    assert report.counts["stories"] == 4
    jobs.given.clear()
    rebuild(layout, load_config(None, {"runner.batch_articles": 1}), None)
    assert [len(Jobs.stories(given)) for given in jobs.given] == [1, 1, 1, 1]


def test_a_story_that_ends_its_worker_is_skipped_and_said(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    jobs = Jobs(monkeypatch)
    found = read_rows(RUNS, partition_path(layout.root, RUNS, "2026-11-09"))
    assert len(found) == 1
    (deadly,) = {
        row["story_id"]
        for row in read_rows(
            module.ARTICLES, partition_path(layout.root, module.ARTICLES, "2026-11-08")
        )
    }
    jobs.deadly = {deadly}
    result = invoke("rebuild", "--output", layout.root, "--json", "--quiet")
    assert result.exit_code == 1
    assert deadly in result.stderr and len(result.stderr.splitlines()) == 1
    report = json.loads(result.stdout)
    assert report["skipped"] == [[deadly, "killed by SIGKILL"]]
    assert report["counts"]["stories"] == 3


def test_where_no_story_could_be_read_it_doesn_t_say_that_all_is_well(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    jobs = Jobs(monkeypatch)
    rebuild(layout, load_config(None), None)
    jobs.deadly = {story for given in jobs.given for _, stories in given for story in stories}
    result = invoke("rebuild", "--output", layout.root, "--quiet")
    assert (result.exit_code, result.stdout) == (1, "no story was read anew\n")
    assert len(result.stderr.splitlines()) == len(jobs.deadly)


def test_a_model_that_is_missing_is_one_line(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    def missing(*_: object) -> str:
        raise ModelError("stance.onnx: no such file; is the stance model installed?")

    Jobs(monkeypatch)
    monkeypatch.setattr(module, "coding_version", missing)
    result = invoke("rebuild", "--output", layout.root, "--quiet")
    assert result.exit_code == 2
    assert result.stderr == (
        "newsalign: error: stance.onnx: no such file; is the stance model installed?\n"
    )


def test_it_is_recorded_also_when_it_fails(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    jobs = Jobs(monkeypatch)
    rebuild(layout, load_config(None), None)

    def fails(*args: Any) -> dict[str, Any]:
        raise RunFailedError("no more")

    monkeypatch.setattr(module, "run_logged_job", fails)
    result = invoke("rebuild", "--output", layout.root, "--quiet")
    assert (result.exit_code, result.stderr) == (1, "newsalign: error: no more\n")
    rows = [row for path in (layout.root / "runs").rglob("*.parquet")
            for row in read_rows(RUNS, path) if row["command"] == "rebuild"]  # fmt: skip
    assert [row["status"] for row in sorted(rows, key=lambda row: row["started_at"])] == [
        "done",
        "failed",
    ]
    assert dict(rows[0]["counts"])["stories"] == 4 and rows[0]["coding_version"] == "new"
    assert jobs.given


def test_actors_that_nothing_names_go(layout: Layout) -> None:
    def named() -> set[str]:
        rows = read_rows(ACTORS, partition_path(layout.root, ACTORS, None))
        return {row["actor"] for row in rows}

    # Two of the fixture's states occur in no article.
    assert drop_unnamed_actors(layout, Visit("rebuild", "one")) == 2
    assert named() == {"CHN", "RUS", "UKR", "USA", "vladimir-putin"}
    before = contents(layout)
    assert drop_unnamed_actors(layout, Visit("rebuild", "two")) == 0
    assert contents(layout) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--since", "2026-11-05", "--until", "2026-11-01"], 2, "is later than"),
        (["--since", "soon"], 2, "not a date"),
        (["--set", "stances.lexicon=none.toml"], 2, "stances.lexicon"),
        (["--set", "runner.name=DaskRunner"], 2, "is refused"),
        (["--wait", "0"], 1, "another process is writing there: schedule"),
    ],
)
def test_what_it_refuses(
    layout: Layout, invoke: Invoke, arguments: list[str], code: int, message: str
) -> None:
    before = contents(layout)
    with writer_lock(layout.lock, "schedule"):
        result = invoke("rebuild", "--quiet", "--output", layout.root, *arguments)
    assert result.exit_code == code
    assert message in result.stderr and len(result.stderr.splitlines()) == 1
    assert contents(layout) == before
