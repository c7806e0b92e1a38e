"""A stream's events as lines, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.logs import event_line
from pipeline.stream.view import json_line, text_line

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_what_its_process_said_stays_as_it_was() -> None:
    said = event_line("polled", {"counts": {"polled": 3}, "since": None}, NOON)
    assert json_line(json.loads(said)) == said
    assert json.loads(said) == {
        "time": "2026-11-20T12:00:00.000Z",
        "level": "info",
        "event": "polled",
        "counts": {"polled": 3},
        "since": None,
    }


def test_what_has_no_time_happened_now() -> None:
    before = datetime.now(UTC)
    line = json.loads(json_line({"event": "restarting", "exit_code": 3, "pause_s": 1.0}))
    assert list(line)[:3] == ["time", "level", "event"]
    assert abs((datetime.fromisoformat(line["time"]) - before).total_seconds()) < 60
    assert line["level"] == "warning"


@pytest.mark.parametrize(
    ("event", "level"),
    [
        ("article_stored", "debug"),
        ("committed", "info"),
        ("arrival_failed", "warning"),
        ("commit_failed", "error"),
        ("failed", "error"),
    ],
)
def test_levels_follow_from_names(event: str, level: str) -> None:
    assert json.loads(event_line(event, {}, NOON))["level"] == level


def test_people_read_words() -> None:
    event = {"event": "commit_failed", "error": "disk full", "time": "2026-11-20T12:00:00.000Z"}
    local = NOON.astimezone()
    assert text_line(event) == (
        f"{local:%H:%M:%S}  can't commit: disk full; it will be tried again"
    )
    assert text_line({"event": "window", "arrived": 0}) is None
    stored = {"event": "article_stored", "article_id": "a1", "story_id": "s1", "run_id": "r"}
    assert str(text_line(stored)).endswith("stored article a1 of story s1")
    rejected = {"event": "input_rejected", "reject_id": "r1", "run_id": "r"}
    assert str(text_line(rejected)).endswith("rejected r1")
