"""Jobs in a process that stays: what the first one loaded serves the next.

A new process costs seconds of imports and loading, more than a small batch itself.
"""

from __future__ import annotations

import selectors
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.job import DONE, SERVE, JobSpec, write_spec
from pipeline.supervise import (
    Job,
    WorkerDiedError,
    kill_group,
    outcome,
    start_process,
    watch,
)

POLL_S = 0.05
MAX_JOBS = 1_000
MAX_BYTES = 3_000_000_000  # of resident memory, after which the next job gets a new process


class WarmJobs:
    """Runs jobs one at a time in one process, which is replaced when it dies, fails or grows.

    A context manager: at its end the process is gone. The process belongs to one thread of its
    own, since the kernel ends it with the thread that started it.
    """

    def __init__(self, max_jobs: int = MAX_JOBS, max_bytes: int = MAX_BYTES) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="warm-jobs")
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = 0

    def __enter__(self) -> WarmJobs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Return the process's id, None while there is none."""
        return self._process.pid if self._process is not None else None

    def __call__(
        self,
        job: Job,
        spec: JobSpec,
        timeout_s: float,
        on_tick: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Run one job, as `pipeline.supervise.run_job` does."""
        write_spec(job.spec, spec)
        future = self._thread.submit(self._run, job, timeout_s)
        return _wait(future, on_tick)

    def close(self) -> None:
        """End the process, and a job that it is at; the next job starts another."""
        process = self._process
        if process is not None:
            kill_group(process)
        self._thread.submit(self._stop).result()

    def _run(self, job: Job, timeout_s: float) -> dict[str, Any]:
        process = self._ready()
        done = False
        try:
            assert process.stdin is not None
            process.stdin.write(f"{job.spec}\n".encode())
            process.stdin.flush()
            code = self._answer(process, timeout_s)
            done = code == DONE
        except BrokenPipeError:
            code = process.wait()
        finally:
            if not done:
                # Whatever went wrong, threads of the failed job may still be about.
                self._stop()
        return outcome(job, code)

    def _ready(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and (
            process.poll() is not None
            or self._jobs >= self._max_jobs
            or _resident_bytes(process.pid) > self._max_bytes
        ):
            self._stop()
        if self._process is None:
            self._process = start_process(
                SERVE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._jobs = 0
        self._jobs += 1
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], timeout_s: float) -> int:
        """Return the exit code that the process answers, or its own when it ends."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            watch(process, timeout_s, None, lambda: bool(selector.select(POLL_S)), poll_s=0.0)
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            if code == DONE:
                raise WorkerDiedError("the job process ended before its answer")
            return code
        return int(line)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        kill_group(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _wait(future: Future[dict[str, Any]], on_tick: Callable[[], None] | None) -> dict[str, Any]:
    while True:
        try:
            return future.result(timeout=POLL_S)
        except NotYetError:
            if future.done():
                raise
            if on_tick is not None:
                on_tick()


def _resident_bytes(pid: int) -> int:
    """Return a process's resident memory in bytes (Linux); 0 where it can't be told."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 0
