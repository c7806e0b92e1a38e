"""Commits of windows that end while another commit is under way."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from upkeep_store import FIRST_DAY, build_whole_store, contents, divide

from pipeline.config import load_config
from pipeline.journal import Journal
from pipeline.maintenance.compact import join_oldest
from pipeline.maintenance.verify import verify
from pipeline.stream import steps
from pipeline.stream.steps import StreamSpec, commit_pending, commit_rest
from transforms.records import RawItem
from transforms.segments import write_segment

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


def test_a_stream_with_nothing_to_commit_joins_old_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = build_whole_store(tmp_path / "store")
    wanted = contents(layout)
    other = max(path.name for path in layout.root.glob("articles/*")).removeprefix("date=")
    divide(layout, FIRST_DAY, 24)
    divide(layout, other, 24)
    said: list[tuple[str, object]] = []
    monkeypatch.setattr(
        steps, "emit", lambda event, **facts: said.append((event, facts.get("date")))
    )
    config = load_config(None, {"output.path": str(layout.root)})
    steps._join(config, layout)
    steps._join(config, layout)
    steps._join(config, layout)
    assert said == [("joined", FIRST_DAY), ("joined", other)]
    assert contents(layout) == wanted
    assert verify(layout, config).ok
    # Nothing was found: it isn't looked again at once.
    divide(layout, FIRST_DAY, 24)
    steps._join(config, layout)
    assert len(said) == 2


def test_a_stream_leaves_the_dates_of_a_week_in_parts(tmp_path: Path) -> None:
    layout = build_whole_store(tmp_path / "store")
    config = load_config(None)
    divide(layout, FIRST_DAY, 24)
    first = date.fromisoformat(FIRST_DAY)
    assert join_oldest(layout, config, first, "a") is None
    assert join_oldest(layout, config, first + timedelta(days=1), "a") is None
    assert join_oldest(layout, config, first + steps.JOIN_AGE, "a") == FIRST_DAY


def test_what_waits_comes_before_what_could_be_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = build_whole_store(tmp_path / "store")
    divide(layout, FIRST_DAY, 24)
    before = contents(layout)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    write_segment(
        Journal(layout.journal).pending_folder, [RawItem(origin="o", fetched_at=now)], now
    )
    steps._join(load_config(None, {"output.path": str(layout.root)}), layout)
    assert contents(layout) == before
