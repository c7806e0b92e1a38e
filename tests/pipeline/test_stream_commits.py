"""Commits of windows that end while another commit is under way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.stream import steps
from pipeline.stream.steps import StreamSpec, commit_pending, commit_rest

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
    commit_pending(spec, 1)  # it would hang here
    assert begun.acquire(timeout=WAIT_S)
    for arrived in (2, 3):
        commit_pending(spec, arrived)
    assert committed == []
    go_on.release()
    # One more for all that has arrived since, and no third.
    assert begun.acquire(timeout=WAIT_S)
    rest = threading.Thread(target=commit_rest, args=(spec,), daemon=True)
    rest.start()
    assert len(committed) == 1
    go_on.release(2)
    rest.join(WAIT_S)
    assert not rest.is_alive()
    assert len(committed) == 3
    assert committed[-1] == 0
