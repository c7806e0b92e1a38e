"""Processes that must not outlive who started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# For a process that stays: threads come and go with its jobs, and each would leave a heap of its
# own behind (glibc's arenas, Arrow's own allocator), so that memory grows from job to job.
LASTING_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere do nothing).

    `parent` is the process that should still be there: one that ended before the request was made
    would never be noticed, so then this process ends at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
