"""A stream's events as lines: for people, or as a log's JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.logs import event_line

# What people are told of an event, with its values; of events that aren't here, nothing.
WORDS = {
    "started": "streaming on {runner}",
    "joined": "the parts of {date} are one file now",
    "arrival_failed": "can't read: {error}; it will be tried again",
    "commit_failed": "can't commit: {error}; it will be tried again",
    "join_failed": "can't join a date: {error}; it will be tried again",
    "failed": "failed: {error}; it will be tried again",
    "article_stored": "stored article {article_id} of story {story_id}",
    "input_rejected": "rejected {reject_id}",
    "listening": "listening on port {port}: /metrics, /health, /live",
    "waiting": "waiting: {reason}",
    "clock_set": "the clock was set by {by_s:+.0f} s, or the machine slept; starting again",
    "restarting": "the stream's process ended ({exit_code}); again in {pause_s:g} s",
    "stopped": "stopped",
}


def json_line(event: Mapping[str, Any]) -> str:
    """Return an event as a line of JSON with `time` and `level`; it happened now if it says not."""
    return event_line(event["event"], event, _moment(event))


def text_line(event: Mapping[str, Any]) -> str | None:
    """Return an event as a line for a person, None for what only a program wants to know."""
    text = _in_words(event)
    return None if text is None else f"{_moment(event).astimezone():%H:%M:%S}  {text}"


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"]) if "time" in event else datetime.now(UTC)


def _in_words(event: Mapping[str, Any]) -> str | None:
    if event["event"] == "committed":
        return _committed(event)
    words = WORDS.get(event["event"])
    return None if words is None else words.format_map(event)


def _committed(event: Mapping[str, Any]) -> str:
    counts = event["counts"]
    shown = {name: counts.get(name, 0) for name in ("new", "revised", "copies")}
    shown["rejects"] = sum(event["rejects"].values())
    parts = [f"{number:,} {name}" for name, number in shown.items() if number]
    news = ", ".join(parts) or "nothing new"
    return (
        f"{news}; {counts.get('counted', 0):,} stances counted, "
        f"{event['windows']:,} days of counts rewritten, in {event['took_s']:.1f} s"
    )
