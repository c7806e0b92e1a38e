"""Waiting that ends when a signal comes: handlers only note it, and the wait returns."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, Protocol

Note = Callable[[int], None]


class Readable(Protocol):
    """Something that a wait can watch."""

    def fileno(self) -> int:
        """Return its descriptor."""


_came: set[signal.Signals] = set()


@contextlib.contextmanager
def held(number: signal.Signals) -> Iterator[None]:
    """Keep a signal waiting until a `Waker` in the block takes it over; one that none took is lost.

    Without this, what comes while the program is still starting has the default effect: it dies.
    """
    # Blocking it would not do: it would go to another thread, and not at all below nohup.
    before = signal.signal(number, lambda *_: _came.add(number))
    try:
        yield
    finally:
        signal.signal(number, before)
        _came.discard(number)


class Waker:
    """Takes over signals while the block lasts, held ones too; of the main thread only.

    An Event would not do: its lock may be held by the very thread that a handler interrupts.
    """

    def __init__(self, notes: Mapping[signal.Signals, Note]) -> None:
        self._notes = notes
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Waker:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._fd_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number, note in self._notes.items():
            self._before[number] = signal.signal(number, _handler(note))
            if number in _came:
                _came.discard(number)
                signal.raise_signal(number)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, self._notes)
        return self

    def __exit__(self, *error: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float, *watched: Readable) -> bool:
        """Wait for a signal or until something watched is readable, which it returns."""
        places: list[int | Readable] = [self._read, *watched]
        ready, _, _ = select.select(places, [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 512):
                pass
        return any(one in ready for one in watched)


def _handler(note: Note) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        note(number)

    return handle
