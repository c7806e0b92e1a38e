"""Arrival without end: feeds when they are due and files when they change, into the journal.

Hosts are spread over shards as in a run. Each shard works through its due feeds in rounds on a
thread of its own, so that one slow host holds up its own shard and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import Config
from pipeline.feeds.place import database_url, may_hold_feeds
from pipeline.feeds.polling import plan_polls, poll_counts
from pipeline.feeds.state import FeedStore, store_id
from pipeline.journal import Journal
from pipeline.run import feed_urls
from pipeline.store.layout import Layout
from pipeline.store.lock import LockedError, writer_lock
from pipeline.watched import ChangedFile, watched_files
from transforms.fetch_pages import fetch_pages
from transforms.read_feeds import FeedPoll, FeedSource, poll_feeds, shard_of
from transforms.read_files import read_slice
from transforms.records import RawItem
from transforms.segments import Record, write_segment

FLUSH_RECORDS = 500
FLUSH_S = 0.5
FILES = -1  # the shard of the watched files
PLAN = -2  # what asks which feeds are due, where that fails
PLAN_S = 5.0  # feeds that were added or taken away meanwhile are noticed this soon
MAX_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """Records that became durable in the journal (0 for a beat that says "look again")."""

    segment: str
    records: int


@dataclass(frozen=True, slots=True)
class ArrivalFailed:
    """A round that could not be finished; it is tried again after `pause_s` seconds."""

    shard: int
    error: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class ArrivalRestored:
    """A shard that had failed works again, or has nothing left to do."""

    shard: int


@dataclass(frozen=True, slots=True)
class Polled:
    """Feeds that were asked, and what was noted of it; counts as in `poll_counts`."""

    counts: dict[str, int]


Event = Arrived | ArrivalFailed | ArrivalRestored | Polled


class Arrivals:
    """Rounds of reading that fill a store's journal; `tick` starts what is due and tells the news.

    Not for use from several threads at once.
    """

    def __init__(self, config: Config, root: Path, config_base: Path | None = None) -> None:
        self._config = config
        self._layout = Layout(root)
        self._journal = Journal(self._layout.journal).pending_folder
        settings = config.stream
        self._shards = max(1, min(settings.shards, config.network.concurrency))
        share = max(1, config.network.concurrency // self._shards)
        self._network = config.network.model_copy(update={"concurrency": share})
        self._watched = watched_files(config, self._layout)
        self._pool = ThreadPoolExecutor(self._shards + 1, thread_name_prefix="arrival")
        self._running: dict[int, Future[None]] = {}
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, float] = {}
        self._news: list[Event] = []
        self._looked = float("-inf")
        self._feeds: FeedStore | None = None
        self._plan_at = float("-inf")

    def tick(self) -> list[Event]:
        """Start the rounds that are due and return what has happened since the last tick."""
        events: list[Event] = list(self._finished())
        now = time.monotonic()
        idle = [
            shard
            for shard in range(self._shards)
            if shard not in self._running and self._not_before.get(shard, 0.0) <= now
        ]
        if idle and self._plan_at <= now:
            events += self._start_due(idle, now)
        if self._may_look(now):
            self._looked = now
            self._start(FILES, self._read_files)
        news, self._news = self._news, []
        return [*events, *news]

    def close(self) -> None:
        """Start nothing any more; what runs is left to end with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start_due(self, idle: list[int], now: float) -> Iterator[ArrivalFailed | ArrivalRestored]:
        """Start the shards that have feeds due, and set when to ask for such again."""
        try:
            due, wait_s = self._due_by_shard(idle)
        except Exception as error:
            self._feeds = None  # it may be another database by then
            failed = self._failed(PLAN, error)
            self._plan_at = now + failed.pause_s
            yield failed
            return
        self._plan_at = min(now + min(PLAN_S, wait_s), *self._pauses_after(now))
        for shard in (PLAN, *(shard for shard in idle if shard not in due)):
            if self._failures.pop(shard, None):
                yield ArrivalRestored(shard)
        for shard, sources in due.items():
            self._start(shard, lambda s=sources: self._poll(s))  # type: ignore[misc]

    def _pauses_after(self, now: float) -> list[float]:
        return [at for at in self._not_before.values() if at > now] or [float("inf")]

    def _may_look(self, now: float) -> bool:
        return (
            bool(self._config.input.paths)
            and FILES not in self._running
            and self._not_before.get(FILES, 0.0) <= now
            and now - self._looked >= self._config.stream.watch_s
        )

    def _start(self, shard: int, work: Callable[[], None]) -> None:
        self._running[shard] = self._pool.submit(self._locked, shard, work)

    def _locked(self, shard: int, work: Callable[[], None]) -> None:
        """Do the work of a shard, unless another worker is at it."""
        try:
            with writer_lock(self._layout.state / f"arrival-{shard}.lock", "stream"):
                work()
        except LockedError:
            return

    def _finished(self) -> Iterator[ArrivalFailed | ArrivalRestored]:
        for shard, future in list(self._running.items()):
            if not future.done():
                continue
            del self._running[shard]
            error = future.exception()
            if error is not None:
                yield self._failed(shard, error)
            elif self._failures.pop(shard, None):
                yield ArrivalRestored(shard)
            if shard != FILES and error is None and PLAN not in self._failures:
                self._plan_at = float("-inf")  # what fell due meanwhile

    def _failed(self, shard: int, error: BaseException) -> ArrivalFailed:
        count = self._failures.get(shard, 0)
        self._failures[shard] = count + 1
        pause = min(2.0**count, MAX_PAUSE_S)
        self._not_before[shard] = time.monotonic() + pause
        return ArrivalFailed(shard, f"{type(error).__name__}: {error}", pause)

    def _store(self) -> FeedStore:
        if self._feeds is None:
            self._feeds = FeedStore(database_url(self._config.feeds, self._layout))
        return self._feeds

    def _due_by_shard(self, shards: Iterable[int]) -> tuple[dict[int, list[FeedSource]], float]:
        """Return the feeds to ask now, and in how many seconds others fall due."""
        settings = self._config.feeds
        named = feed_urls(self._config)
        registry = settings.read != "none" and may_hold_feeds(settings, self._layout)
        if not (named or registry):
            return {}, PLAN_S
        store = self._store()
        store.adopt(store_id(self._layout.state))
        plan = plan_polls(store, named, settings, datetime.now(UTC), due_within_s=0.0)
        found: dict[int, list[FeedSource]] = {}
        for source in plan.sources:
            shard = shard_of(source.address or source.url, self._shards)
            if shard in shards:
                found.setdefault(shard, []).append(source)
        return found, PLAN_S if plan.wait_s is None else plan.wait_s

    def _poll(self, sources: list[FeedSource]) -> None:
        """Poll feeds; what they brought is durable before it is noted that they were asked."""
        store = self._store()
        held: list[Record] = []
        polls: list[FeedPoll] = []
        flushed = time.monotonic()
        for found in poll_feeds(sources, self._network, self._config.read):
            if isinstance(found, FeedPoll):
                polls.append(found)
            else:
                held.append(found)
            # Between two feeds only: a poll must not be noted with half its items.
            old = time.monotonic() - flushed > FLUSH_S
            if isinstance(found, FeedPoll) and (old or len(held) >= FLUSH_RECORDS):
                self._flush(store, held, polls)
                held, polls, flushed = [], [], time.monotonic()
        self._flush(store, held, polls)

    def _flush(self, store: FeedStore, held: list[Record], polls: list[FeedPoll]) -> None:
        if self._config.network.full_text:
            items = [record for record in held if isinstance(record, RawItem)]
            rest = [record for record in held if not isinstance(record, RawItem)]
            held = [*fetch_pages(items, self._network), *rest]
        self._write(held)
        if polls:
            store.save_polls(polls, self._config.feeds)
            self._news.append(Polled(poll_counts(polls)))

    def _read_files(self) -> None:
        now = datetime.now(UTC)
        held: list[Record] = []
        whole: list[ChangedFile] = []
        for file in self._watched.changed():
            for record in read_slice(file.source, self._config.read, now):
                held.append(record)
                if len(held) >= FLUSH_RECORDS:
                    self._write(held)
                    held = []
            whole.append(file)
            if not held or len(whole) >= FLUSH_RECORDS:
                self._write(held)
                self._watched.note(whole)
                held, whole = [], []
        self._write(held)
        if whole:
            self._watched.note(whole)

    def _write(self, records: list[Record]) -> None:
        path = write_segment(self._journal, records, datetime.now(UTC)) if records else None
        if path is not None:
            self._news.append(Arrived(str(path), len(records)))
