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
from typing import Any


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


def is_held(path: Path) -> bool:
    """Return whether somebody holds a lock; for locks that nobody waits for."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def find_holder(path: Path) -> dict[str, Any] | None:
    """Return what the holder of a lock says of itself (pid, host, purpose, since), None if free.

    Looks without touching the lock, so that nobody who wants it is turned away meanwhile. The
    lock's file is known by its inode and by its device or holder: overlays show another device.
    """
    try:
        about: dict[str, Any] = json.loads(path.read_text())
        pid, found = int(about["pid"]), path.stat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return about if _is_alive(pid) else None
    # "1: FLOCK ADVISORY WRITE 4711 08:01:1234567 0 EOF"; a waiting one has "->" before FLOCK.
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    held = any(
        len(words) > 5
        and words[1] == "FLOCK"
        and words[5].rpartition(":")[2] == str(found.st_ino)
        and (words[4] == str(pid) or words[5].startswith(f"{device}:"))
        for words in locks
    )
    return about if held else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _holder(path: Path) -> str:
    try:
        about = json.loads(path.read_text())
        return (
            f"{path.parent.parent}: another process is writing there: {about['purpose']}"
            f" (process {about['pid']} on {about['host']}, since {about['since']})"
        )
    except (OSError, ValueError, KeyError):
        return f"{path.parent.parent}: another process is writing there"
