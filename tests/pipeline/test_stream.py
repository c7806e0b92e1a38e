"""Streaming on Prism, in real processes: what is refused, killed, stopped, and comes out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from seed_server import SEEDS

from pipeline.config import ConfigError, load_config
from pipeline.journal import Journal
from pipeline.store.layout import Layout
from pipeline.stream.job import _runner_options
from pipeline.stream.prism import INSTALL, find_prism
from pipeline.stream.supervisor import check_stream

NEWSALIGN = Path(sys.executable).parent / "newsalign"
DATASETS = ("stances", "alignments")
needs_prism = pytest.mark.skipif(find_prism("") is None, reason=f"no prism program: {INSTALL}")


class Stream:
    """A `newsalign stream` in a process of its own, and the events that it prints."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.process = subprocess.Popen(
            [
                *(NEWSALIGN, "stream", folder, "--output", output, "--json", "--window", "2"),
                *("--set", "stream.settle_s=0.2", "--set", "stream.watch_s=0.5", "--debug"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.output = output
        self.events: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def count(self, event: str) -> int:
        return sum(e["event"] == event for e in self.events)

    def wait(self, done: Callable[[], bool], limit_s: float = 240) -> None:
        deadline = time.monotonic() + limit_s
        while not done():
            assert self.process.poll() is None, self.events
            assert time.monotonic() < deadline, self.events
            time.sleep(0.1)

    def idle(self) -> bool:
        """Say whether everything that was put into the folder has been committed."""
        layout = Layout(self.output)
        return not Journal(layout.journal).pending() and not layout.intent.exists()

    def stop(self) -> float:
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._thread.join(10)
        return time.monotonic() - begun


def children(pid: int, mark: str) -> list[int]:
    """Return the processes below `pid` whose command line has `mark`."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found += [child] if mark in line else []
            found += children(child, mark)
    return found


def rows(output: Path, dataset: str) -> list[tuple[Any, ...]]:
    query = f"SELECT * FROM read_parquet('{output}/{dataset}/date=*/*.parquet') ORDER BY ALL"
    return duckdb.sql(query).fetchall()


@pytest.fixture
def streams() -> Iterator[list[Stream]]:
    started: list[Stream] = []
    yield started
    for stream in started:
        stream.process.kill()


@pytest.mark.job
@needs_prism
def test_kills_lose_and_double_nothing_and_a_run_gives_the_same(
    tmp_path: Path, streams: list[Stream]
) -> None:
    folder, output = tmp_path / "in", tmp_path / "stream"
    folder.mkdir()
    feeds = sorted((SEEDS / "feeds").iterdir())
    parts = [feeds[:3], feeds[3:6], [*feeds[6:], *sorted((SEEDS / "files").iterdir())]]
    stream = Stream(folder, output)
    streams.append(stream)

    def put(files: list[Path]) -> None:
        for file in files:
            shutil.copy(file, folder)

    put(parts[0])
    stream.wait(lambda: stream.count("committed") >= 1)
    put(parts[1])
    arrived = stream.count("arrived")
    stream.wait(lambda: stream.count("arrived") > arrived)
    # The whole streaming process, with its workers, at a moment when a batch has just begun.
    (job,) = children(stream.process.pid, "pipeline.stream.job")
    os.kill(job, signal.SIGKILL)
    stream.wait(lambda: stream.count("restarting") == 1)
    committed = stream.count("committed")
    stream.wait(lambda: stream.count("committed") > committed)
    put(parts[2])
    stream.wait(lambda: bool(children(stream.process.pid, "--serve")))
    arrived = stream.count("arrived")
    stream.wait(lambda: stream.count("arrived") > arrived)
    stream.wait(lambda: not stream.idle())
    for worker in children(stream.process.pid, "--serve"):
        os.kill(worker, signal.SIGKILL)
    committed = stream.count("committed")
    stream.wait(lambda: stream.count("committed") > committed and stream.idle())

    second = subprocess.run(
        [NEWSALIGN, "stream", folder, "--output", output], capture_output=True, text=True
    )
    assert second.returncode == 1
    assert f"(process {stream.process.pid} on " in second.stderr
    assert len(second.stderr.splitlines()) == 1

    assert stream.stop() < 12
    assert stream.process.returncode == 0
    assert stream.events[-1]["event"] == "stopped"
    assert {event["level"] for event in stream.events} >= {"debug", "info", "warning"}
    times = [datetime.fromisoformat(event["time"]) for event in stream.events]
    assert all(moment.tzinfo is not None for moment in times)
    told = {
        e["article_id"] for e in stream.events if e["event"] == "article_stored" and e["run_id"]
    }
    stored = f"SELECT article_id FROM read_parquet('{output}/articles/date=*/*.parquet')"
    assert told
    assert told <= {name for (name,) in duckdb.sql(stored).fetchall()}

    batch = tmp_path / "batch"
    subprocess.run([NEWSALIGN, "run", folder, "-o", batch, "--quiet"], check=True, timeout=280)
    for dataset in DATASETS:
        assert rows(output, dataset) == rows(batch, dataset)
        assert rows(output, dataset)


def test_runners_that_cannot_stream_are_refused_with_the_reason() -> None:
    for name, reason in (
        ("DirectRunner", "bounded input only"),
        ("DaskRunner", "empty files"),
        ("SparkRunner", "not known to stream"),
        ("NoSuchRunner", "not known to stream"),
    ):
        with pytest.raises(ConfigError, match=rf"stream\.runner: {name} .*{reason}"):
            check_stream(load_config(None, {"stream.runner": name}))


def test_bad_usage_is_one_line(tmp_path: Path) -> None:
    for arguments, said in (
        (["--runner", "DirectRunner", str(SEEDS)], "can't stream"),
        ([], "nothing to read"),
        (["--window", "0", str(SEEDS)], "stream.window_s"),
        (["--set", f"stream.prism={tmp_path}/no", str(SEEDS)], "no such program"),
    ):
        done = subprocess.run(
            [NEWSALIGN, "stream", "--output", tmp_path / "out", *arguments],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_prism_is_found_where_it_was_named_on_the_path_or_where_go_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("GOPATH", str(tmp_path / "go"))
    assert find_prism("") is None
    for folder in ("go/bin", "bin", "mine"):
        program = tmp_path / folder / "prism"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert find_prism(str(program) if folder == "mine" else "") == program
    with pytest.raises(ConfigError, match="no such program"):
        find_prism(str(tmp_path / "none"))


@needs_prism
def test_beam_listens_to_a_stream_for_years(tmp_path: Path) -> None:
    with _runner_options(load_config(None, {}), tmp_path / "prism.log") as arguments:
        options = PipelineOptions(arguments).view_as(PortableOptions)
        assert options.job_server_timeout > 10 * 365 * 86_400
