"""The program as a whole: help, exit codes, one-line errors, what start-up loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import Invoke

from pipeline.cli import app
from pipeline.errors import UserError

PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
ROOT = Path(__file__).parents[2]


def start(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    return subprocess.run(
        [*PROGRAM, *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL_COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL_COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...], invoke: Invoke) -> None:
    command = ALL_COMMANDS[path]
    assert command.help, path
    without = [param.name for param in command.params if not getattr(param, "help", None)]
    assert without == []
    shown = invoke(*path, "--help")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())
    first = command.help.split("\n", 1)[0]
    assert not path or len(first) <= 65, "the list of commands would cut it"


def test_the_commands() -> None:
    assert sorted(" ".join(path) for path in ALL_COMMANDS if path) == [
        "actors",
        "actors check",
        "actors search",
        "actors show",
        "alignments",
        "compact",
        "config",
        "config check",
        "config show",
        "evaluate",
        "explain",
        "extract",
        "feeds",
        "feeds add",
        "feeds check",
        "feeds discover",
        "feeds export",
        "feeds import",
        "feeds list",
        "feeds remove",
        "prune",
        "query",
        "rebuild",
        "run",
        "schedule",
        "status",
        "stories",
        "stream",
        "train-stance",
        "verify",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], "No such command 'nope' (try 'newsalign --help')"),
        (["--nope"], "No such option: --nope (try 'newsalign --help')"),
        (
            ["query", "--nope"],
            "No such option: --nope (Possible options: --to) (try 'newsalign query --help')",
        ),
        (["explain", "Russia"], "Missing argument 'TARGET' (try 'newsalign explain --help')"),
        (["config", "show", "--config", "no.toml"], "no.toml: no such config file"),
        (["config", "show", "--set", "x=1"], "--set x=1: write it as section.key=value"),
        (
            ["config", "show", "--set", "clean.min_wrds=1"],
            "command line: clean.min_wrds: unknown key; did you mean min_words?",
        ),
        (
            ["run"],
            "nothing to read: name an INPUT or a --feed, set input.paths, or use feeds add",
        ),
        (
            ["schedule", "--runs", "1"],
            "nothing to read: name an INPUT or a --feed, set input.paths, or use feeds add",
        ),
        (
            ["schedule", "--set", "feeds.read=none"],
            "nothing to read: name an INPUT or a --feed, set input.paths, or use feeds add",
        ),
        (
            ["schedule", "seeds", "--every", "1h", "--cron", "@daily"],
            "--every and --cron: name one of them",
        ),
        (
            ["schedule", "seeds", "--every", "15"],
            "schedule.every: '15' is not a duration like 90s, 15m, 6h or 1d",
        ),
        (
            ["schedule", "seeds", "--jitter", "x"],
            "--jitter: 'x' is not a duration like 90s, 15m, 6h or 1d",
        ),
        (
            ["schedule", "seeds", "--every", "7m", "--print", "cron"],
            "every 7m: cron has no such period; name one with --cron",
        ),
        (["run", "x", "--now", "soon"], "--now soon: write it like 2026-11-20T00:00:00Z"),
        (["extract", "--input", "no.txt"], "--input no.txt: no such file"),
        (["extract", "x", "--catalog", "no.json"], "--catalog no.json: no such file or folder"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    invoke: Invoke, args: list[str], message: str
) -> None:
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"newsalign: error: {message}\n"


def test_without_a_command_the_help_is_shown(invoke: Invoke) -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Usage: newsalign [OPTIONS] COMMAND [ARGS]..." in result.output


def test_the_version(invoke: Invoke) -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("newsalign ")


def raising(error: BaseException) -> typer.Typer:
    """The program with one more command, which raises `error`."""
    from pipeline.errors import Program

    broken = typer.Typer(cls=Program, rich_markup_mode=None, pretty_exceptions_enable=False)

    @broken.callback()
    def root() -> None:
        pass

    @broken.command()
    def fail() -> None:
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("a\n  b"), 2, "newsalign: error: a b\n"),
        (UserError("it failed", 1), 1, "newsalign: error: it failed\n"),
        (KeyboardInterrupt(), 130, "newsalign: interrupted\n"),
        (BrokenPipeError(), 141, ""),
        (
            ValueError("bad\nluck"),
            1,
            "newsalign: error: internal error: ValueError: bad luck "
            "(NEWSALIGN_DEBUG=1 shows where; please report it)\n",
        ),
    ],
)
def test_every_way_out(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    monkeypatch.delenv("NEWSALIGN_DEBUG", raising=False)
    result = CliRunner().invoke(raising(error), ["fail"], catch_exceptions=False)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", line)


def test_debugging_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    monkeypatch.setenv("NEWSALIGN_DEBUG", "1")
    with pytest.raises(ValueError, match="bad luck"):
        CliRunner().invoke(raising(ValueError("bad luck")), ["fail"], catch_exceptions=False)


LOADED = """
import sys
from pipeline.cli import app
try:
    app(sys.argv[1:])
finally:
    heavy = {"apache_beam", "spacy", "sklearn", "trafilatura"} | set(sys.argv[1:2] == ["--help"] and
        ["duckdb", "pyarrow", "pydantic"] or [])
    print("LOADED", sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("args", [["--help"], ["query", "SELECT 1"], ["alignments"]])
def test_start_up_loads_nothing_heavy(store: Path, args: list[str]) -> None:
    command = [sys.executable, "-c", LOADED, *args]
    if args != ["--help"]:
        command += ["--output", str(store)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stderr.splitlines()[-1] == "LOADED []"


def test_as_a_process(store: Path) -> None:
    good = start("query", "SELECT 1 AS n", "--output", store, "--format", "csv")
    assert (good.returncode, good.stdout, good.stderr) == (0, "n\n1\n", "")
    bad = start("query", "SELEC", "--output", store)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == 'newsalign: error: syntax error at or near "SELEC"\n'


def test_a_reader_that_goes_away_is_no_error(store: Path) -> None:
    sql = "SELECT i FROM range(1000000) t(i)"
    process = subprocess.Popen(
        [*PROGRAM, "query", sql, "--output", str(store), "--format", "csv"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "i\n"
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_an_interrupt_is_one_line(store: Path) -> None:
    # The process says that its query is running by its first row; the rest would take minutes.
    sql = "SELECT i, sin(j) FROM range(100000000) t(i), range(1000) u(j)"
    process = subprocess.Popen(
        [*PROGRAM, "query", sql, "--output", str(store), "--format", "csv"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "newsalign: interrupted\n"
