"""Events as JSON for programs and as lines for people."""

from __future__ import annotations

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest

from pipeline.logs import LOGGER, JsonFormatter, LineFormatter, start_logging, tell


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger(LOGGER)
    before = (root.handlers[:], root.level, own.level)
    yield
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def test_json_lines_bear_ids_and_one_line_whatever_they_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(json_lines=True)
    tell("run_finished", {"run_id": "r1", "counts": {"new": 2}, "error": None, "note": "a\nb\x1b"})
    tell("article_stored", {"article_id": "a1"})
    tell("run_failed", {"run_id": "r2"})
    logging.getLogger("some.library").warning("odd %s", "thing")
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    times = [line.pop("time") for line in lines]
    assert all(time.endswith("Z") for time in times)
    assert lines[:3] == [
        {
            "level": "info",
            "event": "run_finished",
            "run_id": "r1",
            "counts": {"new": 2},
            "note": "a\nb\x1b",
        },
        {"level": "error", "event": "run_failed", "run_id": "r2"},
        {"level": "warning", "logger": "some.library", "message": "odd thing"},
    ]


def test_articles_are_named_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(json_lines=True, debug=True)
    tell("article_stored", {"run_id": "r1", "article_id": "a1"})
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["run_id"], line["article_id"]) == ("debug", "r1", "a1")


def test_lines_for_people_can_t_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(json_lines=False)
    tell("run_failed", {"error": "no \x1b[2J such\nfeed", "seconds": 1.23456, "counts": {"new": 1}})
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert ' error: run failed  error="no \\x1b[2J such feed" seconds=1.23 counts=(new=1)' in text


def test_a_traceback_stays_in_its_line() -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "ValueError: bad" in json.loads(line)["traceback"]
    assert "\n" not in LineFormatter().format(record)


def test_a_log_that_can_t_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    start_logging(json_lines=True)
    monkeypatch.setattr(sys, "stderr", Full())
    tell("run_finished", {})
