"""Which feeds a run asks, and what it says of them afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.feeds.state import FeedStore
from transforms.feed_state import FeedState
from transforms.fetch import host_of
from transforms.read_feeds import FeedPoll, FeedSource
from transforms.settings import FeedSettings

DUE_SLACK = 0.05  # of the shortest interval


@dataclass(frozen=True, slots=True)
class Plan:
    """The feeds to ask, and how many were left out.

    Counts: `feeds_retired` (gone, though the config names them), `feeds_paused`. `wait_s`: the
    seconds until another feed falls due, None where none does.
    """

    sources: list[FeedSource] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    wait_s: float | None = None


def plan_polls(
    store: FeedStore,
    named: Sequence[str],
    settings: FeedSettings,
    now: datetime,
    due_within_s: float | None = None,
) -> Plan:
    """Return the feeds to ask: those that are named, and those of the registry that are due.

    Nobody asks a feed that is gone, or a host before the time that it gave. Feeds that are at
    one place by now are asked once. What falls due in a moment is due: a feed is polled a little
    after its run started, and would miss the run that starts a period later. With `due_within_s`,
    that moment is so many seconds, and named feeds wait until they are due too.
    """
    known = store.load(named)
    wanted = {url: known.get(url, FeedState(url)) for url in named}
    moment = max(due_within_s or 0.0, settings.interval_s * DUE_SLACK)
    soon = now + timedelta(seconds=moment)

    def is_due(state: FeedState) -> bool:
        return state.is_due(soon) or state.was_polled_after(now)

    if settings.read != "none":
        added = store.registered() if settings.read == "all" else store.due(soon, now)
        for state in added:
            if is_due(state) or (settings.read == "all" and not state.retired):
                wanted.setdefault(state.url, state)
    if due_within_s is not None and settings.read != "all":
        wanted = {url: state for url, state in wanted.items() if state.retired or is_due(state)}
    pauses = store.pauses(now)
    counts: Counter[str] = Counter()
    places: dict[str, FeedSource] = {}
    for state in wanted.values():
        if state.retired:
            counts["feeds_retired"] += 1
        elif host_of(state.asked) in pauses:
            counts["feeds_paused"] += 1
        else:
            places.setdefault(state.asked, state.source)
    later = store.next_due(soon)
    wait_s = (later - soon).total_seconds() if later else None
    return Plan(list(places.values()), dict(counts), wait_s)


def poll_counts(polls: Iterable[FeedPoll]) -> dict[str, int]:
    """Return what a run reports: `feeds_polled`, `feeds_not_modified`, `feeds_failed`.

    Not modified is also a feed whose server sent it again with nothing new in it.
    """
    counts = {"feeds_polled": 0, "feeds_not_modified": 0, "feeds_failed": 0}
    for poll in {poll.url: poll for poll in polls}.values():
        counts["feeds_polled"] += 1
        nothing_new = poll.status == 304 or (poll.reason is None and poll.new == 0)
        counts["feeds_not_modified"] += nothing_new
        counts["feeds_failed"] += poll.reason not in (None, "empty_feed")
    return counts
