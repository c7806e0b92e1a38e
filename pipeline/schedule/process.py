"""The schedule's side of a run's process: started, listened to, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipeline.schedule.worker import Request, decode

READ_BYTES = 65_536
EXIT_S = 5.0  # for a process that has said all
COMMAND = (sys.executable, "-m", "pipeline.schedule.worker")


class RunProcess:
    """A run in a process group of its own, so that a terminal's Ctrl-C reaches the schedule only.

    `ended` turns true when the process has closed its end; `events` are to be fetched until then.
    """

    def __init__(self, request: Request, command: Sequence[str] = COMMAND) -> None:
        """Start it; raises OSError where no process can be had."""
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._out = self._process.stdout
        self._rest = b""
        self.ended = False
        # A process that dies at once leaves a broken pipe; its end is noticed by its exit.
        with contextlib.suppress(OSError), self._process.stdin as stdin:
            stdin.write(json.dumps(asdict(request)).encode())

    def fileno(self) -> int:
        """Return what becomes readable when there are events."""
        return self._out.fileno()

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events since the last call; waits where nothing is readable."""
        data = os.read(self.fileno(), READ_BYTES)
        self.ended = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [event for line in lines if (event := decode(line)) is not None]

    def stop(self) -> None:
        """Ask it to end: its job is killed, its record written."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def close(self) -> str:
        """End it, whatever it does, and return how it ended: "" for well.

        What it started dies with it (`transforms.processes.die_with_parent`).
        """
        with contextlib.suppress(ProcessLookupError):
            if not self.ended:
                self._process.kill()
        try:
            code = self._process.wait(EXIT_S if self.ended else None)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._out.close()
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}" if code else ""
