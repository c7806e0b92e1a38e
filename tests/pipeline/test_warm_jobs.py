"""Jobs in a process that stays: it serves again, is replaced when it dies, and leaves nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.job import JobSpec
from pipeline.journal import Journal, count_records
from pipeline.store.layout import Layout
from pipeline.supervise import Job, RunFailedError, UnusableError, WorkerDiedError
from pipeline.warm import WarmJobs
from transforms.sources import expand_inputs

pytestmark = pytest.mark.job

NOW = "2026-11-25T00:00:00+00:00"


@pytest.fixture(scope="module")
def jobs() -> Iterator[WarmJobs]:
    with WarmJobs() as warm:
        yield warm


def arrival(root: Path, text: Path, **config: object) -> JobSpec:
    return JobSpec(
        kind="arrival",
        config=load_config(None, {"output.path": str(root), **config}).model_dump(mode="json"),
        config_base=None,
        root=str(root),
        run_id="test",
        now=NOW,
        items=1,
        slices=[list(astuple(part)) for part in expand_inputs([text])],
    )


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text("Norway condemned Belarus on Tuesday.\n\nOslo said so in a statement.")
    return path


def job(folder: Path) -> Job:
    folder.mkdir()
    return Job(folder)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_does_job_after_job(jobs: WarmJobs, tmp_path: Path, text: Path) -> None:
    pids = []
    for number in range(2):
        jobs(job(tmp_path / f"job-{number}"), arrival(tmp_path, text), 120.0)
        pids.append(jobs.pid)
    assert pids[0] == pids[1] is not None
    assert count_records(Journal(Layout(tmp_path).journal).pending()) == 2


def test_a_killed_process_is_told_and_replaced(jobs: WarmJobs, tmp_path: Path, text: Path) -> None:
    jobs(job(tmp_path / "first"), arrival(tmp_path, text), 120.0)
    killed = jobs.pid
    assert killed is not None

    def kill() -> None:
        os.kill(killed, signal.SIGKILL)

    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        jobs(job(tmp_path / "killed"), arrival(tmp_path, text), 120.0, kill)
    jobs(job(tmp_path / "next"), arrival(tmp_path, text), 120.0)
    assert jobs.pid not in (None, killed)


def test_a_failed_job_says_why_and_takes_its_process_with_it(
    jobs: WarmJobs, tmp_path: Path, text: Path
) -> None:
    jobs(job(tmp_path / "good"), arrival(tmp_path, text), 120.0)
    before = jobs.pid
    blocked = tmp_path / "file"
    blocked.write_text("the output's parent is a file")
    failing = job(tmp_path / "failing")
    with pytest.raises(RunFailedError):
        jobs(failing, arrival(blocked / "out", text), 120.0)
    assert jobs.pid is None
    assert before is not None
    assert not alive(before)
    assert "Traceback" in failing.log.read_text()


def test_what_cannot_be_used_is_told_apart(jobs: WarmJobs, tmp_path: Path, text: Path) -> None:
    spec = arrival(tmp_path, text)
    spec.config["actors"]["catalog"] = ["no-such-catalog.csv"]
    batch = JobSpec(**{**vars_of(spec), "kind": "batch", "staging": str(tmp_path / "staging")})
    with pytest.raises(UnusableError, match="no-such-catalog"):
        jobs(job(tmp_path / "unusable"), batch, 120.0)


def test_a_hanging_job_is_ended(tmp_path: Path, text: Path) -> None:
    with WarmJobs() as jobs, pytest.raises(WorkerDiedError, match="longer than"):
        jobs(job(tmp_path / "slow"), arrival(tmp_path, text), 0.01)


def test_a_process_is_replaced_when_it_has_served_enough(tmp_path: Path, text: Path) -> None:
    with WarmJobs(max_jobs=1) as jobs:
        seen = set()
        for number in range(2):
            jobs(job(tmp_path / f"job-{number}"), arrival(tmp_path, text), 120.0)
            seen.add(jobs.pid)
    assert len(seen) == 2
    assert jobs.pid is None


def vars_of(spec: JobSpec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}
