"""Kills of a stream, each of its processes in turn by chance, while files come in one by one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from process_use import command_line, descendants, role

from pipeline.journal import Journal
from pipeline.store.layout import Layout

NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
FLAGS = ("--window", "1", "--set", "stream.settle_s=0.2", "--set", "stream.watch_s=0.5")
VICTIMS = ("parent", "stream", "prism", "warm jobs")
POLL_S = 0.001
# A stream is at work some seconds after its start, and up again by itself in as many.
LATE_S = 120.0
DONE_S = 300.0


@dataclass
class WatchedFolder:
    """Files that appear one after the other, as old as they are."""

    folder: Path
    _later: list[Path] = field(default_factory=list)

    def hide(self) -> None:
        """Take all files away."""
        away = self.folder.with_name(self.folder.name + "-later")
        away.mkdir()
        for path in sorted(self.folder.iterdir()):
            path.rename(away / path.name)
        self._later = sorted(away.iterdir())

    def show(self, number: int) -> None:
        """Let so many of them appear, or all that are left."""
        for path in self._later[:number]:
            path.rename(self.folder / path.name)
        del self._later[:number]

    @property
    def left(self) -> int:
        """Return how many are still to appear."""
        return len(self._later)


class KilledStream:
    """A stream into `store` that is started again whenever it is gone."""

    def __init__(
        self, store: Layout, folder: Path, flags: Sequence[str], log: Path, chance: random.Random
    ) -> None:
        self._store = store
        self._folder = folder
        self._command = [NEWSALIGN, "stream", str(folder), *flags, *FLAGS]
        self._log = log
        self._chance = chance
        self._process: subprocess.Popen[bytes] | None = None

    def ready(self) -> subprocess.Popen[bytes]:
        """Return its process, a new one where there is none."""
        if self._process is None or self._process.poll() is not None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*self._command, "--output", str(self._store.root)], stdout=log, stderr=log
                )
        return self._process

    def kill(self, victim: str, at_commit: bool, within_s: float) -> bool:
        """Kill one of its processes at a random moment; False where there was none to kill.

        The moment lies within so many seconds, or just after the next commit has begun.
        """
        process = self.ready()
        until = time.monotonic() + self._chance.uniform(0.0, 0.05 if at_commit else within_s)
        deadline = time.monotonic() + LATE_S
        while at_commit and not self._store.intent.exists():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        while time.monotonic() < until:
            time.sleep(POLL_S)
        while (pid := self._find(process.pid, victim)) is None:
            if time.monotonic() > deadline or process.poll() is not None:
                return False
            time.sleep(POLL_S)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            if victim == "parent":
                process.wait()
            return True
        return False

    def finish(self) -> str | None:
        """Let it take in all that is there and stop it; returns what went wrong."""
        wanted = _urls(self._folder)
        journal = Journal(self._store.journal)
        deadline = time.monotonic() + DONE_S
        while not wanted <= self._stored() or journal.pending() or self._store.intent.exists():
            if time.monotonic() > deadline:
                return f"not done after {DONE_S:g} s: {self._last_words()}"
            self.ready()
            time.sleep(0.1)
        process = self.ready()
        process.terminate()
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            return "it does not stop"
        return None if code == 0 else f"exit code {code}: {self._last_words()}"

    def _stored(self) -> set[str]:
        found: set[str] = set()
        for path in (self._store.root / "articles").glob("*/*.parquet"):
            with suppress(FileNotFoundError), pq.ParquetFile(path) as file:
                found.update(file.read(columns=["url"]).column("url").to_pylist())
        return found

    def close(self) -> None:
        """Leave no process behind."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _find(self, parent: int, victim: str) -> int | None:
        if victim == "parent":
            return parent
        found = [pid for pid in descendants(parent) if role(command_line(pid)) == victim]
        return self._chance.choice(found) if found else None

    def _last_words(self) -> str:
        return (self._log.read_text(errors="replace").strip().splitlines() or [""])[-1]


def _urls(folder: Path) -> set[str]:
    lines = (line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines())
    return {json.loads(line)["url"] for line in lines}
