"""The image can't be built in every place that runs tests: its Dockerfile is linted and read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.schedule.units import CONTAINER_USER, PORT
from pipeline.stream.prism import INSTALL

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions in order, lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def last(name: str) -> str:
    return [rest for found, rest in instructions() if found == name][-1]


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint isn't installed (the dev extra has it)")
    done = subprocess.run(
        [str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_is_built_apart_from_the_lock_and_runs_as_nobody_special() -> None:
    stages = [rest for name, rest in instructions() if name == "FROM"]
    assert len(stages) == 3
    assert re.fullmatch(r"golang:1\.\d+-\w+ AS prism", stages.pop(0))
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", stage) for stage in stages)
    assert "--require-hashes" in " ".join(rest for name, rest in instructions() if name == "RUN")
    assert last("USER") == f"{CONTAINER_USER}:{CONTAINER_USER}"
    assert [name for name, _ in instructions()].index("USER") < len(instructions()) - 1
    assert last("EXPOSE") == str(PORT)
    assert last("STOPSIGNAL") == "SIGTERM"


def test_it_holds_the_runner_that_streams_in_the_version_that_is_asked_for() -> None:
    built = [rest for name, rest in instructions() if name == "RUN" and "go install" in rest]
    assert [rest[rest.index("go install") :] for rest in built] == [INSTALL]
    assert "--from=prism /out/prism /usr/local/bin/prism" in [
        rest for name, rest in instructions() if name == "COPY"
    ]


def test_its_health_check_asks_where_its_command_listens() -> None:
    command = json.loads(last("CMD"))
    assert json.loads(last("ENTRYPOINT")) == ["newsalign"]
    assert command[0] == "schedule"
    assert command[command.index("--listen") + 1] == f"0.0.0.0:{PORT}"
    check = json.loads(last("HEALTHCHECK").partition(" CMD ")[2])
    assert check == ["python", "-m", "pipeline.health", f"http://127.0.0.1:{PORT}/health"]


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    let_through = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        word.rstrip("/")
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for word in rest.split()[:-1]
    }
    assert copied == let_through
    assert [name for name in copied if not (ROOT / name).exists()] == []
