"""The short, seeded soak: a few of the inputs that `make soak` tries for minutes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from soak_corpus import corpus
from soak_inputs import inputs
from soak_targets import TARGETS, Target
from soak_watch import OverTimeError, Watch

WORKER = Path(__file__).with_name("soak_worker.py")
NAMES = sorted(TARGETS)


def broken(data: bytes) -> list[str]:
    assert data != b"bad"
    while data == b"endless":
        pass
    return ["fine"]


@pytest.mark.parametrize("name", NAMES)
def test_what_fuzzing_starts_from_keeps_the_contract(name: str, tmp_path: Path) -> None:
    watch = Watch("test", name, TARGETS[name], tmp_path)
    watch.warm_up(corpus(name))
    assert watch.outcomes.total() == 0
    for document in corpus(name):
        watch.run(document)
    assert watch.findings == {}
    # A target that gave one thing only would not be fuzzed, just run.
    assert len(watch.outcomes) > 1


@pytest.mark.parametrize("name", NAMES)
def test_bent_inputs_keep_the_contract(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=40, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(inputs(target, corpus(name)))
    def attempt(data: bytes) -> None:
        assert len(data) <= target.max_bytes
        target.run(data)

    attempt()


def test_a_broken_contract_is_kept_with_its_input(tmp_path: Path) -> None:
    watch = Watch("test", "broken", Target(broken, (), 10, 1.0), tmp_path)
    assert watch.run(b"good")
    assert not watch.run(b"bad")
    watch.write()
    counts = json.loads((tmp_path / "test-broken.json").read_text())
    assert counts["executions"] == 2
    assert list(counts["findings"].values()) == [1]
    (kept,) = tmp_path.glob("broken-*.bin")
    assert kept.read_bytes() == b"bad"
    assert "AssertionError" in kept.with_suffix(".txt").read_text()


def test_an_input_that_takes_for_ever_is_a_finding(tmp_path: Path) -> None:
    watch = Watch("test", "broken", Target(broken, (), 10, 0.05), tmp_path)
    assert not watch.run(b"endless")
    assert watch.findings == {"over time": 1}
    assert not issubclass(OverTimeError, Exception)


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed (extra `soak`)"
)
def test_atheris_runs_a_target(tmp_path: Path) -> None:
    command = [sys.executable, str(WORKER), "atheris", "urls", "1", str(tmp_path), "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads((tmp_path / "atheris-urls.json").read_text())
    assert counts["executions"] > len(corpus("urls"))
    assert counts["findings"] == {}
