"""Runs and workers that are killed, at random moments and at chosen ones."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from seed_server import SEEDS
from whole_runs import command, files, newsalign_run, rows

from pipeline.config import load_config
from pipeline.job import JobSpec
from pipeline.run import run
from pipeline.supervise import Job, WorkerDiedError
from pipeline.warm import WarmJobs
from transforms.records import RawItem
from transforms.segments import JournalSlice, read_slice

pytestmark = pytest.mark.job


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The sample input read by one worker."""
    output = tmp_path_factory.mktemp("one") / "out"
    return output, newsalign_run([str(SEEDS)], output, "--workers", "1")


def beam_workers(parent: int) -> list[int]:
    """Return the Beam worker processes below a process (Linux)."""
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            found += [child] if b"sdk_worker_main" in line else beam_workers(child)
    return found


def test_a_killed_worker_costs_a_retry_and_not_the_run(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(
        command([str(SEEDS)], output, "--json", "--workers", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = False
    deadline = time.monotonic() + 120
    while not killed and process.poll() is None and time.monotonic() < deadline:
        specs = list((output / "_state" / "staging").glob("job-*/spec.json"))
        batch = any('"kind": "batch"' in spec.read_text() for spec in specs)
        workers = beam_workers(process.pid)
        if batch and len(workers) == 2:
            os.kill(workers[0], signal.SIGKILL)
            killed = True
        time.sleep(0.1)
    out, err = process.communicate(timeout=240)
    assert killed
    assert process.returncode == 0, err
    assert files(output) == files(one[0])
    assert json.loads(out)["counts"]["rejects"] == one[1]["counts"]["rejects"]


def test_an_input_that_kills_its_worker_is_rejected_and_its_neighbours_are_kept(
    tmp_path: Path,
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name, state in (("a", "Kenya"), ("b", "Chile"), ("c", "Ghana")):
        text = f"Title {name}\n\n{state} thanked Rwanda on Friday for its help in the north."
        (source / f"{name}.txt").write_text(text)
    died = []

    def deadly(job: Job, spec: JobSpec, *more: Any) -> dict[str, Any]:
        slices = [JournalSlice(*values) for values in spec.slices] if spec.kind == "batch" else []
        records = [record for part in slices for record in read_slice(part)]
        if any(isinstance(r, RawItem) and r.origin == "b.txt" for r in records):
            died.append(len(records))
            raise WorkerDiedError("killed by SIGKILL")
        return jobs(job, spec, *more)

    output = tmp_path / "out"
    inputs = {"input.paths": [str(source)], "output.path": str(output), "runner.workers": 1}
    with WarmJobs() as jobs:
        report = run(load_config(None, inputs), jobs=deadly)
    assert report.status == "done"
    assert report.rejects == {"worker_crash": 1}
    assert died[-2:] == [1, 1]
    found = rows(output, "SELECT source_rollup FROM {stances} ORDER BY 1")
    assert found == [("GHA",), ("KEN",)]
    assert rows(output, "SELECT origin, stage FROM {rejects}") == [("b.txt", "clean")]
    assert not list((output / "_state" / "journal" / "pending").glob("*"))


def test_a_stopped_run_leaves_no_process_and_says_so(tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(command([str(SEEDS)], output, "--workers", "1"))
    specs = output / "_state" / "staging"
    deadline = time.monotonic() + 60
    while not list(specs.glob("job-*/spec.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=30) == 130
    alive = [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(output) in _read(p)]
    assert alive == []
    assert rows(output, "SELECT status FROM {runs}") == [("interrupted",)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_kills_at_random_moments_lose_and_double_nothing(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    chance = random.Random(20261125)
    started = time.monotonic()
    newsalign_run([str(SEEDS)], tmp_path / "timing", "--workers", "1")
    length = time.monotonic() - started
    for _ in range(5):
        process = subprocess.Popen(
            command([str(SEEDS)], output, "--workers", "1"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=chance.uniform(0.1, 1.0) * length)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        for path in output.rglob("*.parquet"):
            if "_state" not in path.parts:
                pq.read_metadata(path)
    newsalign_run([str(SEEDS)], output, "--workers", "1")
    assert files(output) == files(one[0])
    sql = "SELECT article_id, content_hash, story_id FROM {articles} ORDER BY ALL"
    assert rows(output, sql) == rows(one[0], sql)
    assert not list((output / "_state" / "journal" / "pending").glob("*"))
