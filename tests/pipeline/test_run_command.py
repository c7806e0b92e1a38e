"""`newsalign run` as a command: what is asked of the job, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest
from conftest import Invoke

from pipeline.files import keep_newest
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock

ARTICLE = "Torrin and Veldania quarrel\nVeldania condemned Torrin over the harbour on Monday.\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--runner", "NoRunner"], "runner.name: unknown runner NoRunner"),
        (["--runner", "DaskRunner"], "runner.name: DaskRunner is refused"),
        (["--workers", "-1"], "Invalid value for '--workers'"),
        (["--feeds", "no-such-list.txt"], "input.feed_lists: no-such-list.txt: can't be read"),
        (["--set", "actors.catalog=['nowhere']"], "actors.catalog: nowhere not found"),
    ],
)
def test_what_can_not_start(tmp_path: Path, invoke: Invoke, flags: list[str], message: str) -> None:
    result = invoke("run", tmp_path, "--output", tmp_path / "out", *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("out/*/*.parquet"))


def test_another_writer_makes_it_fail(tmp_path: Path, invoke: Invoke) -> None:
    output = tmp_path / "out"
    with writer_lock(Layout(output).lock, "run"):
        result = invoke("run", tmp_path, "--output", output, "--quiet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "another process is writing there" in result.stderr
    assert result.stderr.count("\n") == 1


def test_another_schedule_is_named(tmp_path: Path, invoke: Invoke) -> None:
    output = tmp_path / "out"
    with writer_lock(Layout(output).schedule_lock, "schedule"):
        result = invoke("schedule", tmp_path, "--output", output)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{output}: another schedule runs there (process {os.getpid()} on " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_schedule_that_can_t_listen_doesn_t_start(tmp_path: Path, invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ["--output", tmp_path / "out", "--listen", port]
        result = invoke("schedule", tmp_path, *flags)
    assert result.exit_code == 1
    assert result.stderr == (f"newsalign: error: schedule.listen: {port}: Address already in use\n")


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, 1), (errno.EROFS, 1), (errno.ENOTDIR, 2)]
)
def test_a_disk_is_no_fault_of_the_command_line(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("pipeline.store.lock.writer_lock", fail)
    result = invoke("schedule", tmp_path, "--output", tmp_path / "out")
    assert result.exit_code == code
    assert os.strerror(number) in result.stderr and result.stderr.count("\n") == 1


def test_only_the_newest_logs_are_kept(tmp_path: Path) -> None:
    keep_newest(tmp_path / "none", 2)
    for number in (1, 2, 3):
        (tmp_path / f"{number}.log").write_text("x")
        os.utime(tmp_path / f"{number}.log", (9 - number, 9 - number))
    keep_newest(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.log", "2.log"]


@pytest.mark.job
def test_from_a_file_to_the_sentence_behind_the_count(
    tmp_path: Path, small: list[str], invoke: Invoke
) -> None:
    (tmp_path / "2026-11-02.txt").write_text(ARTICLE)
    output = tmp_path / "out"
    source = ["run", tmp_path / "2026-11-02.txt", "--output", output, *small]
    done = invoke(*source, "--now", "2026-11-03T00:00:00Z", "--quiet", "--show-alignments")
    assert (done.exit_code, done.stderr) == (0, "")
    summary, _, counts = done.stdout.partition("\n\n")
    figures = {" ".join(line.split()[:-1]): line.split()[-1] for line in summary.splitlines()}
    assert any(name.startswith("articles read") for name in figures)
    assert "Veldania  → Torrin" in counts
    explained = invoke("explain", "Veldania", "Torrin", "--output", output, *small)
    assert "  [Veldania] *condemned* {Torrin} over the harbour on Monday.\n" in explained.stdout
    again = invoke(*source, "--json", "--quiet")
    assert json.loads(again.stdout)["counts"].get("new", 0) == 0
