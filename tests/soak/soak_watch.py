"""Runs a target on inputs one by one, under its time bound, and keeps what went wrong."""

from __future__ import annotations

import hashlib
import json
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from soak_targets import Target

WRITE_EVERY_S = 5.0
MAX_OF_A_KIND = 3


class OverTimeError(BaseException):
    """An input that took longer than the target allows; no handler of the code may swallow it."""


@dataclass(slots=True)
class Watch:
    """Counts executions of one engine on one target; keeps inputs that break the contract.

    Findings are told apart by exception and place. `folder` gets each as `NAME.bin` beside
    `NAME.txt`, the traceback, and the counts as `ENGINE-TARGET.json`.
    """

    engine: str
    name: str
    target: Target
    folder: Path
    executions: int = 0
    slowest_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    written: float = 0.0

    def warm_up(self, documents: list[bytes]) -> None:
        """Run the corpus unwatched: loading tables and compiling patterns is no input's doing."""
        for document in documents:
            self.target.run(document)
        self.started = time.monotonic()

    def run(self, data: bytes) -> bool:
        """Run the target; False where it found something, which is kept."""
        self.executions += 1
        before = time.process_time()
        error: BaseException | None = None
        try:
            with _cpu_limit(self.target.cpu_seconds):
                self.outcomes.update(set(self.target.run(data)))
        except (Exception, OverTimeError) as caught:
            error = caught
        self.slowest_s = max(self.slowest_s, time.process_time() - before)
        if error is not None:
            self._keep(data, error)
        if time.monotonic() - self.written > WRITE_EVERY_S:
            self.write()
        return error is None

    @property
    def seconds(self) -> float:
        """How long it has been going, in seconds of wall time."""
        return time.monotonic() - self.started

    def write(self) -> None:
        """Write the counts to the folder."""
        self.written = time.monotonic()
        counts = {
            "engine": self.engine,
            "target": self.name,
            "executions": self.executions,
            "seconds": round(self.seconds, 1),
            "slowest_s": round(self.slowest_s, 3),
            "outcomes": dict(self.outcomes.most_common()),
            "findings": dict(self.findings),
        }
        path = self.folder / f"{self.engine}-{self.name}.json"
        path.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")

    def _keep(self, data: bytes, error: BaseException) -> None:
        kind = "over time" if isinstance(error, OverTimeError) else _kind(error)
        self.findings[kind] += 1
        if self.findings[kind] > MAX_OF_A_KIND:
            return
        digest = hashlib.blake2b(kind.encode() + data, digest_size=6).hexdigest()
        base = self.folder / f"{self.name}-{digest}"
        base.with_suffix(".bin").write_bytes(data)
        told = "".join(traceback.format_exception(error))
        base.with_suffix(".txt").write_text(told, encoding="utf-8", errors="backslashreplace")


@contextmanager
def _cpu_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise OverTimeError(f"more than {seconds:g} s of processor time")

    # Processor time of this process: a machine that others load must not make findings.
    previous = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _kind(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
