"""What a stream says of itself: one JSON object a line on stdout, for its supervisor."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

_lock = threading.Lock()


def emit(event: str, **values: Any) -> None:
    """Write one event with the time it happened at."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"at": at, "event": event, **values}, ensure_ascii=False, default=str)
    with _lock:
        print(line, flush=True)
