"""What a long-lived process says of itself: events, one a line, for programs or for people.

An event has a name and plain values. As JSON a line is an object with `time`, `level`, `event` and
the values; as text it is `newsalign: 12:00:03 run finished  run_id=… new=3`. Records of libraries
have a `message` instead of an event. A stream says what happens in its process in the same form.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

LOGGER = "newsalign"
FIELDS = "newsalign_fields"
# Events that only `--log-level debug` shows, since there is one an article.
DEBUG_EVENTS = frozenset({"article_stored", "input_rejected"})
ERROR_EVENTS = frozenset(
    {"run_failed", "config_refused", "state_not_saved", "failed", "commit_failed"}
)
WARNING_EVENTS = frozenset(
    {
        *("feeds_unreachable", "nothing_to_read", "run_stopped"),
        *("arrival_failed", "join_failed", "waiting", "clock_set", "restarting"),
    }
)

Tell = Callable[[str, Mapping[str, Any]], None]


def tell(event: str, fields: Mapping[str, Any]) -> None:
    """Log an event at the level that its name has."""
    logging.getLogger(LOGGER).log(event_level(event), event, extra={FIELDS: dict(fields)})


def event_level(event: str) -> int:
    """Return the level of an event."""
    if event in DEBUG_EVENTS:
        return logging.DEBUG
    if event in ERROR_EVENTS:
        return logging.ERROR
    return logging.WARNING if event in WARNING_EVENTS else logging.INFO


def start_logging(json_lines: bool, debug: bool = False) -> None:
    """Send events of this process to stderr, libraries' warnings too, in one of the two forms."""
    handler = _Handler()
    handler.setFormatter(JsonFormatter() if json_lines else LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(True)


def event_line(event: str, fields: Mapping[str, Any], moment: datetime) -> str:
    """Return an event as a line of JSON, its time in UTC."""
    return _json_line(moment, logging.getLevelName(event_level(event)), {"event": event, **fields})


def _json_line(moment: datetime, level: str, fields: Mapping[str, Any]) -> str:
    line = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level.lower(),
        **fields,
    }
    return json.dumps(line, ensure_ascii=False, default=_json_value)


class JsonFormatter(logging.Formatter):
    """Records as JSON objects, one a line, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = getattr(record, FIELDS, None)
        if fields is not None:
            known = {name: value for name, value in fields.items() if value is not None}
            return _json_line(moment, record.levelname, {"event": record.msg, **known})
        said = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return _json_line(moment, record.levelname, said)


class LineFormatter(logging.Formatter):
    """Records as lines for a terminal, times in UTC; what could steer the terminal is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = getattr(record, FIELDS, None)
        if fields is None:
            return f"newsalign: {moment:%H:%M:%S} {record.name}: {_plain(record.getMessage())}"
        values = " ".join(_pair(k, v) for k, v in fields.items() if v not in (None, "", {}, []))
        mark = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        text = f"newsalign: {moment:%H:%M:%S} {mark}{str(record.msg).replace('_', ' ')}"
        return f"{text}  {values}" if values else text


class _Handler(logging.Handler):
    """Writes to the stderr of the moment, which a progress bar replaces while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; a log that can't be written (a full disk, a closed pipe) ends nothing."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _pair(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = " ".join(_pair(key, number) for key, number in value.items())
        return f"{name}=({inner})"
    if isinstance(value, float):
        return f"{name}={value:.3g}" if value < 1_000 else f"{name}={value:.0f}"
    text = _plain(str(value))
    return f'{name}="{text}"' if " " in text else f"{name}={text}"


def _plain(text: str) -> str:
    text = " ".join(text.split())
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
