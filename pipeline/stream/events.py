"""What a stream says of itself: one JSON object a line on stdout, for its supervisor."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from pipeline.logs import event_line

_lock = threading.Lock()


def emit(event: str, **values: Any) -> None:
    """Write one event with the time it happened at, as lines of a log have it."""
    line = event_line(event, values, datetime.now(UTC))
    with _lock:
        print(line, flush=True)
