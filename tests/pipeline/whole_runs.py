"""Whole runs as a user starts them, for the tests of the job."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

from transforms.schemas import DATASETS

NEWSALIGN = Path(sys.executable).parent / "newsalign"
NOW = "2026-11-25T00:00:00+00:00"
RESULT_DATASETS = ("stances", "alignments")


def command(source: list[str], output: Path, *more: str) -> list[str]:
    return [str(NEWSALIGN), "run", *source, "--output", str(output), "--now", NOW, "--quiet", *more]


def newsalign_run(source: list[str], output: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run(
        command(source, output, "--json", *more), capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def files(output: Path, datasets: tuple[str, ...] = RESULT_DATASETS) -> dict[str, bytes]:
    """Return the bytes of every file of some datasets by relative path."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for name in datasets
        for path in sorted((output / name).rglob("*.parquet"))
    }


def rows(output: Path, sql: str) -> list[tuple[Any, ...]]:
    """Run SQL in which {name} stands for a dataset's files."""
    views = {name: f"read_parquet('{output}/{name}/**/*.parquet')" for name in DATASETS}
    return duckdb.sql(sql.format(**views)).fetchall()
