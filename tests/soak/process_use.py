"""What a tree of processes uses (Linux): memory of its own now, mapped files, processor time."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# What a process of a stream is, by a word of its command line; the first that fits.
ROLES = (
    ("--serve", "warm jobs"),
    ("sdk_worker_main", "workers"),
    ("pipeline.stream.job", "stream"),
    ("prism", "prism"),
    ("newsalign", "parent"),
)
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children = [int(child) for child in task.read_text().split()]
            found += children
            for child in children:
                found += descendants(child)
    return found


def command_line(pid: int) -> str:
    """Return a process's command line, "" where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def role(line: str) -> str:
    """Return what a process of a stream is, by its command line."""
    return next((name for mark, name in ROLES if mark in line), "other")


@dataclass
class ProcessUse:
    """Follows one process and all below it."""

    pid: int
    _ticks: dict[int, int] = field(default_factory=dict)

    def sample(self) -> tuple[dict[str, int], int, float]:
        """Return bytes of their own by role, bytes of mapped files that are in memory (the
        system's cache, which it takes back when it needs to), and processor seconds of all, also
        of those gone by now.

        What a process did after its last sample is not in it.
        """
        own: dict[str, int] = {}
        mapped = 0
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(OSError, IndexError):
                name = role(command_line(pid))
                _, pages, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                own[name] = own.get(name, 0) + (pages - shared) * os.sysconf("SC_PAGE_SIZE")
                mapped += shared * os.sysconf("SC_PAGE_SIZE")
                self._ticks[pid] = int(fields[11]) + int(fields[12])
        return own, mapped, sum(self._ticks.values()) * TICK_S
