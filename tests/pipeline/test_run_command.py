"""`newsalign run` as a command: what is asked of the job, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Invoke

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
