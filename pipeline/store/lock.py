"""One writer at a time: a lock that the kernel drops when its holder dies, and that names it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


class LockedError(Exception):
    """Another process is writing to the store; its text names it."""


@contextlib.contextmanager
def writer_lock(path: Path, purpose: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the store's writer lock; raises LockedError after `wait_s` seconds without it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LockedError(_holder(path)) from None
                time.sleep(0.1)
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "purpose": purpose,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about).encode(), 0)
        yield
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        about = json.loads(path.read_text())
        return (
            f"{path.parent.parent}: another process is writing there: {about['purpose']}"
            f" (process {about['pid']} on {about['host']}, since {about['since']})"
        )
    except (OSError, ValueError, KeyError):
        return f"{path.parent.parent}: another process is writing there"
