"""A clock that was set, or a machine that slept: noticed by a clock that nobody sets.

Beam's runner waits for the next tick by the time of day. An hour back, it would wait for an hour.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_S = 1.0
BACK_S = 5.0  # less is a pause that short
AHEAD_S = 60.0


def find_jump(
    wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
) -> Callable[[], float]:
    """Return a function that gives the seconds the clock jumped since its last call, 0.0 for none.

    Jumps back beyond `BACK_S` and ahead beyond `AHEAD_S` count. The steady clock stands still while
    a machine sleeps, so that a sleep is a jump ahead.
    """
    before = wall() - steady()

    def look() -> float:
        nonlocal before
        now = wall() - steady()
        jump, before = now - before, now
        return jump if jump < -BACK_S or jump > AHEAD_S else 0.0

    return look


def watch_clock(on_jump: Callable[[float], None]) -> None:
    """Call `on_jump` once, from a thread of its own, with the seconds that the clock jumped."""

    def watch() -> None:
        look = find_jump()
        jump = 0.0
        while not jump:
            time.sleep(LOOK_S)
            jump = look()
        on_jump(jump)

    threading.Thread(target=watch, name="clock", daemon=True).start()
