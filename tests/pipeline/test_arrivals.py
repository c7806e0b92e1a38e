"""Arrival without end: due feeds and changed files reach the journal; failures pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from seed_server import SeedServer, seed_server

from pipeline.config import load_config
from pipeline.feeds.state import FeedStore
from pipeline.journal import Journal
from pipeline.store.layout import Layout
from pipeline.stream import arrivals as stream_arrivals
from pipeline.stream.arrivals import ArrivalFailed, Arrivals, Arrived, Event, Polled
from transforms.feed_state import FeedState
from transforms.records import RawItem, Reject
from transforms.segments import Record, read_slice

__all__ = ["seed_server"]


def make(root: Path, **settings: Any) -> Arrivals:
    keys = {name.replace("__", "."): value for name, value in settings.items()}
    config = load_config(
        None,
        {"output.path": str(root), "network.allow_private": True, "stream.settle_s": 0, **keys},
    )
    return Arrivals(config, root)


def tick_until(arrivals: Arrivals, done: Callable[[list[Event]], bool]) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + 60
    while not done(events):
        assert time.monotonic() < deadline, events
        events += arrivals.tick()
        time.sleep(0.05)
    return events


def records(root: Path) -> list[Record]:
    return [r for part in Journal(Layout(root).journal).pending() for r in read_slice(part)]


def feeds(root: Path) -> FeedStore:
    return FeedStore(f"sqlite:///{Layout(root).feeds}")


def arrived(count: int) -> Callable[[list[Event]], bool]:
    return lambda events: sum(e.records for e in events if isinstance(e, Arrived)) >= count


def test_a_feed_is_asked_when_it_is_due_and_not_before(
    seed_server: SeedServer, tmp_path: Path
) -> None:
    url = seed_server.url("feeds/deltaobserver.xml")
    arrivals = make(tmp_path, input__feeds=[url], feeds__interval_s=3600)
    tick_until(arrivals, arrived(1))
    items = records(tmp_path)
    assert items
    assert all(isinstance(item, RawItem) and item.feed_url == url for item in items)
    for _ in range(10):
        assert all(isinstance(event, Polled) for event in arrivals.tick())
        time.sleep(0.05)
    assert len(seed_server.requests) == 1
    state = feeds(tmp_path).load([url])[url]
    assert state.etag
    assert state.last_success is not None


def test_a_due_feed_that_did_not_change_brings_nothing(
    seed_server: SeedServer, tmp_path: Path
) -> None:
    url = seed_server.url("feeds/deltaobserver.xml")
    arrivals = make(tmp_path, input__feeds=[url], feeds__interval_s=1)
    tick_until(arrivals, arrived(1))
    first = len(records(tmp_path))
    tick_until(arrivals, lambda _: len(seed_server.requests) >= 3)
    assert [status for _, status in seed_server.requests][:3] == [200, 304, 304]
    assert len(records(tmp_path)) == first


def test_every_registered_feed_is_read_whichever_its_shard(
    seed_server: SeedServer, tmp_path: Path
) -> None:
    arrivals = make(tmp_path, input__feeds=seed_server.feeds, stream__shards=3)
    tick_until(arrivals, lambda _: len(seed_server.requests) >= len(seed_server.feeds))
    tick_until(arrivals, arrived(1))
    polled = feeds(tmp_path).load(seed_server.feeds)
    deadline = time.monotonic() + 30
    while len(polled) < len(seed_server.feeds) and time.monotonic() < deadline:
        arrivals.tick()
        time.sleep(0.05)
        polled = feeds(tmp_path).load(seed_server.feeds)
    assert sorted(polled) == sorted(seed_server.feeds)


def test_new_and_changed_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    arrivals = make(tmp_path / "out", input__paths=[str(folder)], stream__watch_s=0.1)
    assert arrivals.tick() == []
    (folder / "a.txt").write_text("Norway condemned Belarus on Tuesday.")
    (folder / "b.jsonl").write_text('{"text": "Chile praised Peru."}\nnot json\n')
    tick_until(arrivals, arrived(3))
    found = records(tmp_path / "out")
    assert sorted(type(record).__name__ for record in found) == ["RawItem", "RawItem", "Reject"]
    assert [r.reason for r in found if isinstance(r, Reject)] == ["not_json"]
    (folder / "a.txt").write_text("Norway condemned Belarus on Wednesday.")
    tick_until(arrivals, arrived(1))
    assert len(records(tmp_path / "out")) == 4


def test_a_database_that_is_gone_is_told_and_found_again(
    seed_server: SeedServer, tmp_path: Path
) -> None:
    root, blocked = tmp_path / "out", tmp_path / "db"
    blocked.write_text("a file where the database's folder should be")
    url = seed_server.url("feeds/deltaobserver.xml")
    arrivals = make(root, input__feeds=[url], feeds__database=f"sqlite:///{blocked}/feeds.sqlite")
    events = tick_until(arrivals, lambda events: bool(events))
    assert all(isinstance(event, ArrivalFailed) for event in events)
    assert not seed_server.requests
    blocked.unlink()
    tick_until(arrivals, arrived(1))
    assert records(root)


def test_a_journal_that_cannot_be_written_loses_no_poll(
    seed_server: SeedServer, tmp_path: Path
) -> None:
    url = seed_server.url("feeds/deltaobserver.xml")
    arrivals = make(tmp_path, input__feeds=[url])
    journal = Layout(tmp_path).journal
    journal.parent.mkdir(parents=True)
    journal.write_text("in the way")
    tick_until(arrivals, lambda events: any(isinstance(e, ArrivalFailed) for e in events))
    assert url not in feeds(tmp_path).load([url]), "an unsaved poll must be made again"
    journal.unlink()
    tick_until(arrivals, arrived(1))
    assert feeds(tmp_path).load([url])[url].etag


def test_two_streams_do_not_read_the_same_files_at_once(tmp_path: Path) -> None:
    from pipeline.store.lock import writer_lock
    from pipeline.stream.arrivals import FILES

    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("Norway condemned Belarus on Tuesday.")
    arrivals = make(tmp_path / "out", input__paths=[str(folder)], stream__watch_s=0.1)
    with writer_lock(Layout(tmp_path / "out").state / f"arrival-{FILES}.lock", "stream"):
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert arrivals.tick() == []
            time.sleep(0.05)
    tick_until(arrivals, arrived(1))


@pytest.mark.parametrize("text", ["", "\0" * 1000, "<rss"])
def test_hostile_files_become_rejects(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bad.xml").write_text(text)
    (folder / "good.txt").write_text("Norway condemned Belarus on Tuesday.")
    arrivals = make(tmp_path / "out", input__paths=[str(folder)], stream__watch_s=0.1)
    tick_until(arrivals, arrived(2))
    kinds = sorted(type(record).__name__ for record in records(tmp_path / "out"))
    assert kinds == ["RawItem", "Reject"]


def test_the_database_is_opened_once_and_not_asked_at_each_tick(
    seed_server: SeedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    planned: list[int] = []

    class Counted(FeedStore):
        def __init__(self, url: str) -> None:
            opened.append(url)
            super().__init__(url)

    plan = stream_arrivals.plan_polls

    def counted(*arguments: Any, **named: Any) -> Any:
        planned.append(1)
        return plan(*arguments, **named)

    monkeypatch.setattr(stream_arrivals, "FeedStore", Counted)
    monkeypatch.setattr(stream_arrivals, "plan_polls", counted)
    monkeypatch.setattr(stream_arrivals, "PLAN_S", 3_600.0)
    url = seed_server.url("feeds/deltaobserver.xml")
    arrivals = make(tmp_path, input__feeds=[url], feeds__interval_s=3600)
    tick_until(arrivals, lambda events: any(isinstance(e, Polled) for e in events))
    while arrivals._running:
        arrivals.tick()
    before = len(planned)
    for _ in range(50):
        arrivals.tick()
    assert len(planned) <= before + 1
    assert len(opened) == 1


def test_only_due_feeds_come_from_the_database(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    store = feeds(tmp_path)
    states = {
        "due": {"next_due": now - hour},
        "new": {},
        "later": {"next_due": now + hour, "last_polled": now - hour},
        "last": {"next_due": now + 2 * hour, "last_polled": now - hour},
        "ahead": {"next_due": now + 9 * hour, "last_polled": now + 8 * hour},
        "gone": {"retired": "gone"},
    }
    store.put(FeedState(name, added_at=now, **values) for name, values in states.items())
    store.put([FeedState("named", next_due=now - hour)])
    assert [state.url for state in store.due(now, now)] == ["ahead", "due", "new"]
    assert store.next_due(now) == now + hour
