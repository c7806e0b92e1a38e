"""Feeds to raw items: hosts are spread over shards, and each shard polls its own politely."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import apache_beam as beam

from transforms.dates import parse_date
from transforms.feed_hints import FeedPace, read_pace
from transforms.feed_memory import FeedMemory
from transforms.feed_parser import parse_feed
from transforms.fetch import FetchRequest, FetchResult, fetch_all, host_of
from transforms.ids import stable_int
from transforms.json_feed import FeedHead
from transforms.records import RawItem, Reject
from transforms.settings import NetworkSettings, ReadSettings

ITEMS = "items"
REJECTS = "rejects"
POLLS = "polls"
EXCERPT_CHARS = 200
# Entries at either end that are looked at for the newest: feeds are in one order or the other.
NEWEST_AMONG = 5


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed to poll: its outlet if the user named it, and the validators of the last poll.

    `url` identifies the feed in items and state; `address` is where it is asked, if elsewhere.
    `memory` is what the last poll's `memory` was: entries that it knows aren't read again.
    """

    url: str
    outlet: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    address: str | None = None
    memory: str = ""


@dataclass(frozen=True, slots=True)
class FeedPoll:
    """What one poll of a feed came to, for whoever keeps the feed's state.

    Save it only after the poll's items are durable: validators that outlive lost items lose them
    for good. `reason` is None for success (`status` 304: nothing new), else the reject's.
    `permanent_url` is set where 301s or 308s led to a body that is a feed, or to "not modified".
    `wait_hint_s` is how long the server or the feed says that the answer stays good, `pace` what
    the feed alone says. `newest_at` is the latest date among its first and last entries.
    """

    url: str
    polled_at: datetime
    status: int
    reason: str | None
    etag: str | None
    last_modified: str | None
    permanent_url: str | None
    retry_after_s: float | None
    items: int
    rejects: int
    wait_hint_s: float | None = None
    final_url: str | None = None
    pace: FeedPace | None = None
    kind: str | None = None
    title: str | None = None
    newest_at: datetime | None = None
    detail: str = ""
    memory: str = ""
    new: int | None = None


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def poll_feeds(
    sources: Iterable[FeedSource],
    network: NetworkSettings,
    read: ReadSettings,
    now: Callable[[], datetime] = utc_now,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[RawItem | Reject | FeedPoll]:
    """Yield each feed's items and rejects as it arrives, then its poll; never raises for a feed.

    A feed that couldn't be had is a reject with stage `fetch` and the reason of `FetchResult`.
    Of feeds that are at one place by now, the first is polled. `now` stamps items and rejects,
    `clock` (by default the same) the polls.
    """
    wanted: dict[str, FeedSource] = {}
    for source in sources:
        wanted.setdefault(source.address or source.url, source)
    requests = [
        FetchRequest(address, one.etag, one.last_modified) for address, one in wanted.items()
    ]
    for result in fetch_all(requests, network):
        yield from _poll(wanted[result.url], result, read, now(), (clock or now)())


class PollShardFn(beam.DoFn):
    """Polls one shard's feeds; items go to the main output, the rest to `rejects` and `polls`."""

    def __init__(
        self, network: NetworkSettings, read: ReadSettings, fetched_at: datetime | None
    ) -> None:
        self._network = network
        self._read = read
        self._fetched_at = fetched_at

    def process(self, shard: tuple[int, Iterable[FeedSource]]) -> Iterator[Any]:
        """Yield what the shard's feeds hold."""
        now = clock = utc_now
        if self._fetched_at is not None:
            now, clock = partial(_same, self._fetched_at), _running_clock(self._fetched_at)
        for found in poll_feeds(shard[1], self._network, self._read, now, clock):
            if isinstance(found, RawItem):
                yield found
            else:
                name = REJECTS if isinstance(found, Reject) else POLLS
                yield beam.pvalue.TaggedOutput(name, found)


class ReadFeeds(beam.PTransform):
    """Nothing -> outputs `items` (RawItem), `rejects` (Reject) and `polls` (FeedPoll).

    All feeds of a host fall to one shard, so `per_host` holds across workers; `concurrency` and
    feeds are shared out evenly among the shards. `fetched_at` stamps every item; by default each
    its own time. Polls bear the time that has passed since, so that a pause which a server asks
    for is whole.
    """

    def __init__(
        self,
        sources: Iterable[FeedSource],
        network: NetworkSettings,
        read: ReadSettings,
        fetched_at: datetime | None = None,
        shards: int = 1,
    ) -> None:
        super().__init__()
        self._sources = list(sources)
        self._read = read
        self._fetched_at = fetched_at
        self._shards = max(1, min(shards, network.concurrency))
        share = network.concurrency // self._shards
        self._network = network.model_copy(update={"concurrency": share})

    def expand(self, begin: Any) -> Any:
        """Apply the polling at the root of a pipeline."""
        shards = spread_hosts(self._sources, self._shards)
        return (
            begin
            | "Feeds by shard" >> beam.Create(shards, reshuffle=False)
            | "Group shards" >> beam.GroupByKey()
            | "Poll shard"
            >> beam.ParDo(PollShardFn(self._network, self._read, self._fetched_at)).with_outputs(
                REJECTS, POLLS, main=ITEMS
            )
        )


def shard_of(url: str, shards: int) -> int:
    """Return the shard that polls a URL's host, the same in every process."""
    return stable_int(host_of(url)) % shards


def spread_hosts(sources: Iterable[FeedSource], shards: int) -> list[tuple[int, FeedSource]]:
    """Return each feed with its shard: that of its host's hash, unless that has its share by now.

    A hash alone gives one of two shards a twentieth more of a thousand feeds, and all wait for it.
    """
    hosts: dict[str, list[FeedSource]] = {}
    for source in sources:
        hosts.setdefault(host_of(source.address or source.url), []).append(source)
    loads = [0] * shards
    share = sum(map(len, hosts.values())) / shards
    placed = []
    for host, feeds in sorted(hosts.items(), key=lambda one: (-len(one[1]), one[0])):
        shard = stable_int(host) % shards
        if loads[shard] + len(feeds) > share:
            shard = loads.index(min(loads))
        loads[shard] += len(feeds)
        placed += [(shard, feed) for feed in feeds]
    return placed


def _same(at: datetime) -> datetime:
    return at


def _running_clock(start: datetime) -> Callable[[], datetime]:
    """Return a clock that shows `start` now and goes on from there."""
    zero = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - zero)


def _poll(
    source: FeedSource, result: FetchResult, read: ReadSettings, at: datetime, polled_at: datetime
) -> Iterator[RawItem | Reject | FeedPoll]:
    seen, memory = _Seen(), FeedMemory(source.memory)
    unchanged = result.not_modified or (
        result.reason is None and memory.knows_document(result.body)
    )
    reason, detail = result.reason, result.detail
    if reason is not None:
        seen.rejects = 1
        yield Reject(
            stage="fetch",
            reason=reason,
            detail=detail,
            origin=source.url,
            excerpt=result.final_url[:EXCERPT_CHARS],
            at=at,
            outlet=source.outlet,
            feed_url=source.url,
        )
    elif not unchanged:
        # The asked URL identifies the feed, wherever a redirect leads today; links resolve
        # against where the document came from.
        for found in parse_feed(
            result.body,
            source.url,
            result.content_type,
            at,
            outlet=source.outlet,
            base=result.final_url,
            max_entries=read.max_entries_per_feed,
            on_head=seen.note_head,
        ):
            if isinstance(found, RawItem):
                seen.note_item(found)
                if not memory.is_new(found):
                    continue
                seen.new += 1
            else:
                seen.rejects += 1
                if not seen.items and "#" not in found.origin:
                    reason, detail = found.reason, found.detail
            yield found
    answered = reason is None or reason == "empty_feed"
    is_feed = answered and (seen.items > 0 or unchanged)
    # "Not modified" has no body to state a pace; the last one goes on then.
    pace = read_pace(result.body) if answered and result.body else None
    yield FeedPoll(
        url=source.url,
        polled_at=polled_at,
        status=result.status,
        reason=reason,
        # Validators of a document that wasn't a feed would hide the feed's return.
        etag=result.etag if answered else source.etag,
        last_modified=result.last_modified if answered else source.last_modified,
        permanent_url=result.permanent_url if is_feed else None,
        retry_after_s=result.retry_after_s,
        items=seen.items,
        rejects=seen.rejects,
        wait_hint_s=max(result.fresh_s or 0.0, (pace and pace.interval_s) or 0.0) or None,
        final_url=result.final_url,
        pace=pace,
        kind=seen.head.kind,
        title=seen.head.title,
        newest_at=seen.newest(at),
        detail=detail,
        memory=memory.after(result.body) if is_feed and not unchanged else source.memory,
        new=seen.new,
    )


class _Seen:
    """What has come out of one feed so far."""

    def __init__(self) -> None:
        self.head = FeedHead()
        self.items = 0
        self.rejects = 0
        self.new = 0
        self._dates: list[str] = []

    def note_head(self, head: FeedHead) -> None:
        self.head = head

    def note_item(self, item: RawItem) -> None:
        self.items += 1
        if item.published:
            self._dates.append(item.published)

    def newest(self, at: datetime) -> datetime | None:
        ends = {*self._dates[:NEWEST_AMONG], *self._dates[-NEWEST_AMONG:]}
        found = [value for text in ends if (value := parse_date(text, at).value) is not None]
        return min(max(found), at) if found else None
