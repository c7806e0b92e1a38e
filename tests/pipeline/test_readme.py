"""What README.md and docs/ show works: commands and Python, over the fixture store."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import Invoke
from fixture_store import stance_rows
from readme_blocks import DOCUMENTS, ROOT, Block, blocks, commands

from pipeline.cli import app
from transforms.catalog import Catalog

BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
COMMANDS = [
    pytest.param(command, id=f"{block.place}: {' '.join(command.split())[:40]}")
    for block in BLOCKS
    if block.language in ("sh", "console")
    for command in commands(block)
]
# These take long or change the store, and have tests of their own; here they only have to parse.
PARSED_ONLY = (
    *("run", "schedule", "stream", "verify", "rebuild", "compact", "prune"),
    *("evaluate", "train-stance"),
)
# These ask servers that no test has, and have tests with servers of their own.
ASKS_SERVERS = (["feeds", "check"], ["feeds", "discover"])
FEED = "http://localhost:8000/feeds/harbourwire.xml"


_load = Catalog.load
_load_once = functools.cache(lambda paths: _load(paths))


@pytest.fixture
def reader(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a reader of the README is in, with a store in `out`.

    The shipped catalog is read once for all commands; reading it takes as long as most of them.
    """
    monkeypatch.setattr(Catalog, "load", lambda paths: _load_once(tuple(paths)))
    for name in ("seeds", "configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "out").symlink_to(store)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in BLOCKS} == {"sh", "console", "python"}
    fences = sum(document.read_text(encoding="utf-8").count("\n```") for document in DOCUMENTS)
    assert fences == 2 * len(BLOCKS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_work(command: str, reader: Path, invoke: Invoke) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif "|" in words:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        shell = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(
            shell, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        # 141 where `head` has read enough, as for any program.
        assert done.returncode in (0, 141), done.stderr
        assert done.stdout
    elif words[1] in PARSED_ONLY and "--print" not in words:
        assert words[0] == "newsalign"
        group = typer.main.get_command(app)
        group.commands[words[1]].make_context(words[1], words[2:])  # type: ignore[attr-defined]
    elif words[1:3] in ASKS_SERVERS:
        group = typer.main.get_command(app).commands["feeds"]  # type: ignore[attr-defined]
        group.commands[words[2]].make_context(words[2], words[3:])
    else:
        assert words[0] == "newsalign"
        if words[1] == "feeds":
            # Each command runs by itself; what those before it have left is made here.
            invoke("feeds", "add", FEED, "--output", "desk")
            invoke("feeds", "export", "feeds.opml", "--output", "desk")
        if words[1:3] == ["explain", "story"]:
            words[3] = stance_rows()[0]["story_id"]  # the README's is a story of the seeds
        result = invoke(*words[1:])
        # A catalog has faults or it hasn't; finding them is what the command is for.
        allowed = (0, 2) if words[1:3] == ["actors", "check"] else (0,)
        assert result.exit_code in allowed, result.stderr
        assert result.output or "--to" in words or words[1:3] == ["feeds", "export"]


@pytest.mark.parametrize(
    "block",
    [pytest.param(block, id=block.place) for block in BLOCKS if block.language == "python"],
)
def test_python_works(block: Block, reader: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block.text, block.place, "exec"), {})
    assert "RUS" in capsys.readouterr().out


def test_links_lead_somewhere() -> None:
    links = [
        document.parent / target
        for document in (*DOCUMENTS, ROOT / "CONTRIBUTING.md")
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    ]
    assert links
    assert [link for link in links if not link.exists()] == []
