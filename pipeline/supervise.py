"""Running a job so that nothing it does can end the run: watched, retried, halved, culprit found.

A job is a process group of its own. A job whose worker died (a crash, a kill, no memory) is tried
once more, then in halves, down to the one unit that kills it. A job that fails by an exception of
a step, or that nothing could make work, ends the run with that message.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.job import (
    DONE,
    LOG,
    PARENT_VARIABLE,
    RESULT,
    SERVE,
    STEP_FAILED,
    UNUSABLE,
    JobSpec,
    write_spec,
)
from transforms.processes import LASTING_ENVIRONMENT

POLL_S = 0.2
MISSING_WORKER_S = 30.0  # Beam may wait for ever for a worker that is gone
WORKER_MARK = "sdk_worker_main"


class RunFailedError(Exception):
    """The run can't go on; its text is one line."""


class UnusableError(Exception):
    """Config, catalog, lexicon or model can't be used; its text is one line."""


class WorkerDiedError(Exception):
    """A job's process, or a worker of it, died; its text says how."""


Unit = TypeVar("Unit")


@dataclass(frozen=True, slots=True)
class Job:
    """Where a job's files are: its spec, its result and its log."""

    folder: Path

    @property
    def spec(self) -> Path:
        """Return the spec file."""
        return self.folder / "spec.json"

    @property
    def log(self) -> Path:
        """Return the log of the job and its workers."""
        return self.folder / LOG


class RunsJobs(Protocol):
    """Runs one job to its end; raises WorkerDiedError, RunFailedError or UnusableError."""

    def __call__(
        self,
        job: Job,
        spec: JobSpec,
        timeout_s: float,
        on_tick: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Return what the job says it did."""


def new_job(staging: Path, number: int) -> Job:
    """Make the folder of a run's `number`-th job below the store's staging folder."""
    folder = staging / f"job-{number:04d}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    return Job(folder)


def run_logged_job(
    job: Job,
    spec: JobSpec,
    timeout_s: float,
    logs: Path,
    on_tick: Callable[[], None] | None = None,
    run: RunsJobs | None = None,
) -> dict[str, Any]:
    """Run one job as `run_job` (or `run`) does; a failed one's log is kept in the folder `logs`."""
    try:
        return (run or run_job)(job, spec, timeout_s, on_tick)
    except BaseException:
        # The log is kept where it can be; a full disk must not hide what went wrong.
        with contextlib.suppress(OSError):
            logs.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(job.log, logs / f"{spec.run_id}-{job.folder.name}.log")
        raise


def run_job(
    job: Job, spec: JobSpec, timeout_s: float, on_tick: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Run one job to its end and return its result.

    Raises WorkerDiedError, RunFailedError or UnusableError. Whatever way this ends, no process of
    the job is left.
    """
    write_spec(job.spec, spec)
    with job.log.open("wb") as log:
        process = start_process(str(job.spec), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            watch(process, timeout_s, on_tick, lambda: process.poll() is not None)
        finally:
            kill_group(process)
    return outcome(job, process.returncode)


def start_process(argument: str, **pipes: Any) -> subprocess.Popen[bytes]:
    """Start a job process that ends with the thread that started it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.job", argument],
        start_new_session=True,
        env=child_environment(lasting=argument == SERVE),
        **pipes,
    )


def child_environment(lasting: bool) -> dict[str, str]:
    """Return the environment of a process that ends with this one; `lasting`: it stays a while."""
    stays = LASTING_ENVIRONMENT if lasting else {}
    return {**stays, **os.environ, PARENT_VARIABLE: str(os.getpid())}


def watch(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    on_tick: Callable[[], None] | None,
    is_over: Callable[[], bool],
    poll_s: float = POLL_S,
) -> None:
    """Wait until a job is over; raises WorkerDiedError when it hangs or lost a worker."""
    deadline = time.monotonic() + timeout_s
    most_workers = 0
    missing_since: float | None = None
    while not is_over():
        now = time.monotonic()
        if now > deadline:
            raise WorkerDiedError(f"the job ran longer than {timeout_s:g} s")
        workers = _count_workers(process.pid)
        most_workers = max(most_workers, workers)
        if workers < most_workers:
            missing_since = missing_since or now
            if now - missing_since > MISSING_WORKER_S:
                raise WorkerDiedError("a worker died and the runner did not notice")
        else:
            missing_since = None
        if on_tick is not None:
            on_tick()
        time.sleep(poll_s)


def _count_workers(pid: int) -> int:
    """Return the number of live Beam worker processes among a process's children (Linux)."""
    count = 0
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            try:
                count += WORKER_MARK.encode() in Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
    return count


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a job process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outcome(job: Job, code: int) -> dict[str, Any]:
    """Return what a job left behind, or raise what its exit code stands for."""
    try:
        result: dict[str, Any] = json.loads((job.folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {}
    if code == DONE:
        return result
    message = result.get("error") or _how_it_ended(code)
    if code == UNUSABLE:
        raise UnusableError(message)
    if code == STEP_FAILED:
        raise RunFailedError(message)
    raise WorkerDiedError(message)


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def halve_until_done(
    units: Sequence[Unit],
    attempt: Callable[[Sequence[Unit]], None],
    on_culprit: Callable[[Unit, str], None],
    split: Callable[[Sequence[Unit]], list[Sequence[Unit]]],
) -> None:
    """Run `attempt` over all units: retried once after a worker's death, then in smaller parts.

    `split` returns two or more parts, or one where the units can't be divided: such a unit that
    killed its worker twice goes to `on_culprit` with the reason. Parts run in order.
    """
    waiting: list[Sequence[Unit]] = [units]
    while waiting:
        part = waiting.pop(0)
        if not part:
            continue
        reason = ""
        for _ in range(2):
            try:
                attempt(part)
                break
            except WorkerDiedError as error:
                reason = str(error)
        else:
            parts = split(part)
            if len(parts) == 1:
                on_culprit(part[0], reason)
            else:
                waiting[:0] = parts


def halves(units: Sequence[Unit]) -> list[Sequence[Unit]]:
    """Return the two halves of some units, or one part where there is one unit."""
    if len(units) < 2:
        return [units]
    middle = len(units) // 2
    return [units[:middle], units[middle:]]
