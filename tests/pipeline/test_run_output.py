"""What a run says while it goes on and when it ends."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from pipeline.progress import LINE_EVERY_S, Lines
from pipeline.run import Progress
from pipeline.summary import print_summary

REPORT: dict[str, Any] = {
    "counts": {
        "items": 1234,
        "articles": 1234,
        "new": 1200,
        "unchanged": 34,
        "copies": 5,
        "stories": 1195,
    }
    | {"evidence": 900, "counted": 850},
    "rejects": {"not_json": 2, "no_text": 1},
    "windows": 7,
    "seconds": 61.26,
}


def test_the_summary() -> None:
    report = REPORT | {"counts": REPORT["counts"] | {"rejects": 3}}
    sink = io.StringIO()
    print_summary(Console(file=sink, width=120), report)
    assert sink.getvalue() == (
        "articles read     1,234\n"
        "          new     1,200  first seen in this run\n"
        "    unchanged        34  known, nothing new\n"
        "       copies         5  carry a text that another article had first\n"
        "      stories     1,195  that these articles belong to\n"
        "      stances       900  850 of them counted\n"
        "      windows         7  days whose alignments were rewritten\n"
        "      rejects         3  2 not_json, 1 no_text\n"
        "         time    61.3 s\n"
    )


def test_a_run_that_found_nothing() -> None:
    sink = io.StringIO()
    print_summary(
        Console(file=sink, width=120),
        {"counts": {}, "rejects": {}, "windows": 0, "seconds": None},
    )
    lines = [line.split() for line in sink.getvalue().splitlines()]
    assert lines == [
        ["articles", "read", "0"],
        ["copies", "0"],
        ["stories", "0"],
        ["stances", "0"],
        ["windows", "0"],
        ["rejects", "0"],
        ["time"],
    ]


def test_lines_for_a_log_come_with_a_stage_or_now_and_then() -> None:
    sink = io.StringIO()
    times = iter([0.0, 1.0, 2.0, 2.0 + LINE_EVERY_S, 20.0])
    lines = Lines(sink, clock=lambda: next(times))
    lines(Progress("reading"))
    lines(Progress("analysing", 0, 500, 1))
    lines(Progress("analysing", 100, 500, 1))
    lines(Progress("analysing", 300, 500, 1))
    lines(Progress("analysing", 310, 500, 1))
    assert sink.getvalue() == (
        "newsalign: stage=reading done=0\n"
        "newsalign: stage=analysing batch=1 done=0 total=500\n"
        "newsalign: stage=analysing batch=1 done=300 total=500\n"
    )
