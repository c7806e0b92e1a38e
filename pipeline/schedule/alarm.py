"""When the next run starts, told by a clock that nobody sets.

Waiting goes by seconds since boot, sleep included. The wall clock only names starts: when it is
set, starts by a cron expression are looked up anew, and periods go on as they were. What was
missed, by sleep or by a run that took long, is made up for by one run.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pipeline.schedule.cadence import Cadence

JUMP_S = 2.0  # more than clocks drift apart between two looks


class Clock(Protocol):
    """Two clocks: `wall` names moments and may be set, `steady` measures seconds."""

    def wall(self) -> datetime:
        """Return the time of day in UTC."""

    def steady(self) -> float:
        """Return seconds that never go back and count while the machine sleeps."""


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Return seconds since boot (Linux), elsewhere those of the monotonic clock."""
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot is None else time.clock_gettime(boot)


class Alarm:
    """The next start. `last` is the last one before, of an earlier process perhaps."""

    def __init__(
        self,
        cadence: Cadence,
        clock: Clock,
        jitter_s: float = 0.0,
        last: datetime | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._dice = dice
        self._start = clock.wall()
        self._due = clock.steady()
        self.rearrange(cadence, jitter_s, last)

    @property
    def start(self) -> datetime:
        """Return the next start as a time of day, jitter not counted."""
        return self._start

    def rearrange(self, cadence: Cadence, jitter_s: float, last: datetime | None) -> None:
        """Take another cadence; a start that was missed since `last` is due at once."""
        self._cadence = cadence
        self._jitter_s = jitter_s
        self._offset = self._look()
        now = self._clock.wall()
        if last is not None and last <= now:
            self._aim(cadence.after(last))
        else:
            self._aim(cadence.after(now) if cadence.follows_wall else now)

    def ring(self) -> None:
        """Say that a run starts now; starts that were missed meanwhile are made up for by it."""
        now = self._clock.wall()
        if self._start < now and self._cadence.after(self._start) <= now:
            self._start = now

    def advance(self) -> None:
        """Aim at the start after this one, which was perhaps early; at once where it has passed."""
        self._notice_jump()
        now = self._clock.wall()
        # A hair before its time the start is this one still, or it would come twice.
        early = (self._start - now).total_seconds() > JUMP_S
        self._aim(self._cadence.after(now if early else self._start))

    def bring_forward(self, seconds: float) -> None:
        """Start in `seconds` unless a start comes sooner anyway."""
        self._due = min(self._due, self._clock.steady() + seconds)

    def remaining(self) -> float:
        """Return the seconds until the next start; 0 or less: now."""
        self._notice_jump()
        return self._due - self._clock.steady()

    def _aim(self, start: datetime) -> None:
        now = self._clock.wall()
        self._start = max(start, now)
        wait = (self._start - now).total_seconds()
        jitter = self._jitter_s * self._dice() if wait else 0.0
        self._due = self._clock.steady() + wait + jitter

    def _look(self) -> float:
        return self._clock.wall().timestamp() - self._clock.steady()

    def _notice_jump(self) -> None:
        offset = self._look()
        jump = offset - self._offset
        if abs(jump) < JUMP_S:
            return
        self._offset = offset
        if not self._cadence.follows_wall:
            self._start += timedelta(seconds=jump)
        elif self._start > self._clock.wall():
            self._aim(self._cadence.after(self._clock.wall()))
        else:
            self._due = min(self._due, self._clock.steady())
