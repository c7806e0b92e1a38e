"""A stream's events as lines: for people, or as a log's JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.logs import event_line


def json_line(event: Mapping[str, Any]) -> str:
    """Return an event as a line of JSON with `time` and `level`; it happened now if it says not."""
    return event_line(event["event"], event, _moment(event))


def text_line(event: Mapping[str, Any]) -> str | None:
    """Return an event as a line for a person, None for what only a program wants to know."""
    text = in_words(event)
    return None if text is None else f"{_moment(event).astimezone():%H:%M:%S}  {text}"


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"]) if "time" in event else datetime.now(UTC)


def in_words(event: Mapping[str, Any]) -> str | None:
    """Return an event as a line for a person; None for what only a program wants to know."""
    kind = event["event"]
    if kind == "started":
        return f"streaming on {event['runner']}"
    if kind == "committed":
        counts = event["counts"]
        rejects = sum(event["rejects"].values())
        shown = {
            "new": counts.get("new", 0),
            "revised": counts.get("revised", 0),
            "copies": counts.get("copies", 0),
            "rejects": rejects,
        }
        parts = [f"{number:,} {name}" for name, number in shown.items() if number]
        news = ", ".join(parts) or "nothing new"
        return (
            f"{news}; {counts.get('counted', 0):,} stances counted, "
            f"{event['windows']:,} days of counts rewritten, in {event['took_s']:.1f} s"
        )
    if kind == "joined":
        return f"the parts of {event['date']} are one file now"
    if kind in ("arrival_failed", "commit_failed", "join_failed", "failed"):
        words = {"arrival_failed": "read", "commit_failed": "commit", "join_failed": "join a date"}
        what = f"can't {words[kind]}" if kind in words else "failed"
        return f"{what}: {event['error']}; it will be tried again"
    if kind == "article_stored":
        return f"stored article {event['article_id']} of story {event['story_id']}"
    if kind == "input_rejected":
        return f"rejected {event['reject_id']}"
    if kind == "listening":
        return f"listening on port {event['port']}: /metrics, /health, /live"
    if kind == "waiting":
        return f"waiting: {event['reason']}"
    if kind == "clock_set":
        return f"the clock was set by {event['by_s']:+.0f} s, or the machine slept; starting again"
    if kind == "restarting":
        return f"the stream's process ended ({event['exit_code']}); again in {event['pause_s']:g} s"
    if kind == "stopped":
        return "stopped"
    return None
