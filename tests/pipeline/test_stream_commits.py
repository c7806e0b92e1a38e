"""Commits of windows that end while another commit is under way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.stream import steps
from pipeline.stream.steps import StreamSpec, commit_pending

WAIT_S = 60


def test_a_window_does_not_wait_for_a_commit_and_another_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    committed: list[int] = []

    def commit(_spec: StreamSpec, arrived: int) -> None:
        begun.release()
        assert go_on.acquire(timeout=WAIT_S)
        committed.append(arrived)

    monkeypatch.setattr(steps, "_commit", commit)
    spec = StreamSpec({}, None, str(tmp_path))
    first = threading.Thread(target=commit_pending, args=(spec, 1))
    first.start()
    assert begun.acquire(timeout=WAIT_S)
    for arrived in (2, 3):  # they would hang here
        later = threading.Thread(target=commit_pending, args=(spec, arrived), daemon=True)
        later.start()
        later.join(WAIT_S)
        assert not later.is_alive()
    assert committed == []
    go_on.release()
    assert begun.acquire(timeout=WAIT_S)
    go_on.release()
    first.join(WAIT_S)
    # One more for all that has arrived since, and no third.
    assert len(committed) == 2
