"""The long-lived process: wait, run, say how it went, for ever.

Each run is a process of its own (`pipeline.schedule.worker`); nothing it does ends the schedule,
and one that falls silent is ended. SIGTERM and SIGINT stop the schedule within ten seconds, a
second one at once; SIGHUP reads the config again.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from pipeline.config import ConfigError
from pipeline.health import Health, judge
from pipeline.logs import Tell
from pipeline.metrics import Metrics
from pipeline.schedule.alarm import Alarm, Clock, SystemClock
from pipeline.schedule.cadence import limit_s
from pipeline.schedule.plan import Plan
from pipeline.schedule.process import COMMAND, RunProcess
from pipeline.schedule.record import ScheduleRecord, read_record, write_record
from pipeline.schedule.waker import Waker
from pipeline.schedule.worker import FAILED, FINISHED, PROGRESS, STOPPED, Request, describe
from pipeline.store.layout import Layout

LOOK_S = 5.0  # a clock that was set, or a machine that woke up, is noticed this soon
STOP_S = 8.0  # for a run to end; what it leaves is finished by the next
LISTEN_S = 1.0  # to a run, before looking for signals again
_ENDINGS = {FINISHED: "done", FAILED: "failed", STOPPED: "stopped"}

Fields = Mapping[str, Any]
ShowProgress = Callable[[], Any]


@contextmanager
def no_progress() -> Iterator[Callable[[Fields], None]]:
    """Show nothing."""
    yield lambda fields: None


def reap_orphans() -> None:
    """As process 1 of a container, take note of the ends of processes whose parents are gone."""
    if os.getpid() != 1:
        return
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


class Scheduler:
    """Runs a plan over and over. `reload` gives the plan anew, or raises what is wrong with it.

    `ids` and `json_log` are for its runs: see `pipeline.schedule.worker.Request`.
    """

    def __init__(
        self,
        plan: Plan,
        layout: Layout,
        reload: Callable[[], Plan],
        tell: Tell,
        *,
        metrics: Metrics | None = None,
        show_progress: ShowProgress = no_progress,
        ids: bool = False,
        json_log: bool = False,
        clock: Clock | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._plan = plan
        self._layout = layout
        self._reload = reload
        self._tell = tell
        self._metrics = metrics
        self._show_progress = show_progress
        self._ids = ids
        self._json_log = json_log
        self._clock = clock or SystemClock()
        self._command = command
        self._stops: list[int] = []
        self._reload_wanted = False
        self._saved = True
        self._started = self._clock.steady()
        self._record = self._begin()
        since = self._record.last_success_at or self._record.first_started_at
        silent = (self._clock.wall() - since).total_seconds()
        self._success = self._started - max(0.0, silent)
        self._record.limit_s = limit_s(plan.cadence, since)
        self._alarm = Alarm(plan.cadence, self._clock, plan.jitter_s, self._record.done_started_at)

    def run(self, most_runs: int | None = None) -> int | None:
        """Go on until a signal stops it (and return that) or so many runs have ended."""
        notes = {
            signal.SIGTERM: self._stops.append,
            signal.SIGINT: self._stops.append,
            signal.SIGHUP: self._want_reload,
        }
        with Waker(notes) as waker:
            self._tell(
                "schedule_started",
                {"cadence": self._plan.cadence.text, "next_run_at": self._next_run()},
            )
            ended = 0
            while not self._stops and (most_runs is None or ended < most_runs):
                if self._reload_wanted:
                    self._take_config()
                self._save(next_run_at=self._next_run())
                left = self._alarm.remaining()
                if left > 0:
                    self._wait(waker, left)
                else:
                    self._one_run(waker)
                    ended += 1
            self._save(next_run_at=None)
            signalled = self._stops[0] if self._stops else None
            name = signal.Signals(signalled).name if signalled is not None else None
            self._tell("schedule_stopped", {"signal": name})
            return signalled

    def health(self) -> Health:
        """Return whether runs succeed as they should; other threads may ask."""
        now = self._clock.steady()
        return judge(
            up_s=now - self._started,
            silent_s=now - self._success,
            succeeded=self._record.last_success_at is not None,
            period_s=self._plan.period_s,
            limit_s=self._record.limit_s,
        )

    def _begin(self) -> ScheduleRecord:
        now = self._clock.wall()
        before = read_record(self._layout.schedule)
        record = ScheduleRecord(
            pid=os.getpid(),
            host=socket.gethostname(),
            cadence=self._plan.cadence.text,
            period_s=self._plan.period_s,
            started_at=now,
            first_started_at=now,
            listen=self._plan.config.schedule.listen,
        )
        if before is not None:
            record.first_started_at = before.first_started_at
            record.last_success_at = before.last_success_at
            record.done_started_at = before.done_started_at
            record.last_started_at = before.last_started_at
            record.last_finished_at = before.last_finished_at
            record.last_status = before.last_status
            record.last_error = before.last_error
            record.failures = before.failures
        if self._metrics is not None and record.last_success_at is not None:
            self._metrics.last_success.set(record.last_success_at.timestamp())
        return record

    def _want_reload(self, number: int) -> None:
        self._reload_wanted = True

    def _next_run(self) -> datetime:
        left = max(0.0, self._alarm.remaining())
        return (self._clock.wall() + timedelta(seconds=left)).replace(microsecond=0)

    def _wait(self, waker: Waker, left: float) -> None:
        if self._metrics is not None:
            self._metrics.next_run.set(self._clock.wall().timestamp() + left)
        while left > 0 and not self._stops and not self._reload_wanted:
            waker.wait(min(left, LOOK_S))
            left = self._alarm.remaining()

    def _one_run(self, waker: Waker) -> None:
        self._alarm.ring()
        began, started = self._clock.steady(), self._clock.wall()
        self._save(last_started_at=started, last_status="running", next_run_at=None)
        ending, fields = self._supervise(waker)
        seconds = self._clock.steady() - began
        self._alarm.advance()
        record = self._record
        record.runs += 1
        record.last_finished_at = self._clock.wall()
        record.last_status = _ENDINGS[ending]
        record.last_error = fields.get("error")
        if ending == FINISHED:
            record.done_started_at = started
            record.failures = 0
            if not fields.get("feeds_unreachable"):
                self._success = self._clock.steady()
                self._record.limit_s = limit_s(self._plan.cadence, record.last_finished_at)
                record.last_success_at = record.last_finished_at
        elif ending == FAILED:
            record.failures += 1
            self._alarm.bring_forward(self._plan.retry_s(record.failures))
        about = {**fields, "seconds": round(seconds, 3), "next_run_at": self._next_run()}
        self._observe(ending, about)
        self._tell(ending, about)

    def _supervise(self, waker: Waker) -> tuple[str, dict[str, Any]]:
        """Run once; returns how it ended and what it said of that."""
        plan = self._plan
        request = Request(
            config=plan.config.model_dump(mode="json"),
            config_base=str(plan.base) if plan.base else None,
            due_within_s=plan.due_within_s,
            lock_wait_s=plan.lock_wait_s,
            ids=self._ids,
            json_log=self._json_log,
            parent=os.getpid(),
        )
        try:
            process = RunProcess(request, self._command)
        except OSError as error:
            return FAILED, {"error": f"no process could be started: {error.strerror}"}
        ending: tuple[str, dict[str, Any]] | None = None
        deadline: float | None = None
        # Counted by waits: a machine that sleeps makes nobody silent.
        silent_s = 0.0
        if self._metrics is not None:
            self._metrics.running.set(1)
        try:
            with self._show_progress() as show:
                while not process.ended and silent_s < plan.silence_s:
                    if self._stops and deadline is None:
                        process.stop()
                        deadline = self._clock.steady() + STOP_S
                    if deadline is not None and (
                        len(self._stops) > 1 or self._clock.steady() >= deadline
                    ):
                        break
                    if not waker.wait(LISTEN_S, process):
                        silent_s += LISTEN_S
                        continue
                    silent_s = 0.0
                    for event, fields in process.events():
                        if event in _ENDINGS:
                            ending = (event, fields)
                        elif event == PROGRESS:
                            show(fields)
                        else:
                            self._observe(event, fields)
                            self._tell(event, fields)
        finally:
            how = process.close()
            reap_orphans()
            if self._metrics is not None:
                self._metrics.running.set(0)
        if ending is not None:
            return ending
        if self._stops:
            return STOPPED, {"error": None}
        if silent_s >= plan.silence_s:
            return FAILED, {"error": f"the run said nothing for {silent_s:g} s and was ended"}
        return FAILED, {"error": f"the run's process ended early: {how or 'it said nothing'}"}

    def _observe(self, event: str, fields: Fields) -> None:
        if self._metrics is None:
            return
        self._metrics.observe(event, fields)
        if event == FINISHED and not fields.get("feeds_unreachable"):
            self._metrics.last_success.set(self._clock.wall().timestamp())

    def _take_config(self) -> None:
        """Read the config again; one that can't be used changes nothing."""
        self._reload_wanted = False
        try:
            plan = self._reload()
            old, new = self._plan.config, plan.config
            if new.output.path != old.output.path:
                raise ConfigError("output.path: another store takes a restart")
            if new.schedule.listen != old.schedule.listen:
                raise ConfigError("schedule.listen: another address takes a restart")
        except Exception as error:
            text = describe(error, str(self._layout.root))
            self._tell("config_refused", {"error": text, "kept": "the config before"})
            return
        if (plan.cadence.text, plan.jitter_s) != (self._plan.cadence.text, self._plan.jitter_s):
            last = self._record.done_started_at
            self._alarm.rearrange(plan.cadence, plan.jitter_s, last)
            since = self._record.last_success_at or self._record.first_started_at
            self._record.limit_s = limit_s(plan.cadence, since)
        self._plan = plan
        self._record.cadence, self._record.period_s = plan.cadence.text, plan.period_s
        self._tell(
            "config_reloaded", {"cadence": plan.cadence.text, "next_run_at": self._next_run()}
        )

    def _save(self, **changes: Any) -> None:
        """Write the record down; where that fails, say so once and go on."""
        for name, value in changes.items():
            setattr(self._record, name, value)
        try:
            write_record(self._layout.schedule, self._record)
        except OSError as error:
            if self._saved:
                place = str(self._layout.schedule)
                self._tell("state_not_saved", {"error": f"{place}: {error.strerror}"})
            self._saved = False
        else:
            self._saved = True
