"""How feeds stand, as a whole: due, failing, and how long ago they were last read."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from transforms.feed_state import FeedState

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.feeds.state import FeedStore
    from pipeline.store.layout import Layout

NO_FAILURE = frozenset({None, "empty_feed", "host_paused"})


@dataclass(frozen=True, slots=True)
class FeedsSummary:
    """Feeds by their standing; a failing feed may be due too.

    `unread` were never read with success. `median_success` and `oldest_success` are of those that
    were; `overdue_since` is the earliest due time that has passed. `reasons` counts failing feeds.
    """

    known: int
    due: int
    failing: int
    retired: int
    unread: int
    median_success: datetime | None
    oldest_success: datetime | None
    overdue_since: datetime | None
    reasons: dict[str, int] = field(default_factory=dict)

    def as_values(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        values = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def survey_feeds(config: Config, layout: Layout, now: datetime) -> FeedsSummary | None:
    """Return how a config's feeds stand, None where it has none or they can't be looked up."""
    from pipeline.config import ConfigError
    from pipeline.feeds.place import FeedsError, database_url, may_hold_feeds
    from pipeline.run import feed_urls

    try:
        named = feed_urls(config)
        if not (named or may_hold_feeds(config.feeds, layout)):
            return None
        from pipeline.feeds.state import FeedStore

        return summarise(all_feeds(FeedStore(database_url(config.feeds, layout)), named), now)
    except (FeedsError, ConfigError):
        return None


def all_feeds(store: FeedStore, named: Sequence[str]) -> list[FeedState]:
    """Return the feeds of the registry and those that a config names, sorted by URL."""
    known = store.load(named)
    feeds = {url: known.get(url, FeedState(url)) for url in named}
    feeds |= {state.url: state for state in store.registered()}
    return [feeds[url] for url in sorted(feeds)]


def is_failing(state: FeedState) -> bool:
    """Say whether the feed's last poll failed by the feed's own fault or the network's."""
    return state.retired is None and state.last_reason not in NO_FAILURE


def failing_first(states: Iterable[FeedState]) -> list[FeedState]:
    """Return the failing feeds, those that failed most before the others."""
    return sorted(
        (state for state in states if is_failing(state)),
        key=lambda state: (-state.failures, state.url),
    )


def summarise(states: Iterable[FeedState], now: datetime) -> FeedsSummary:
    """Return how feeds stand at `now`."""
    states = list(states)
    active = [state for state in states if state.retired is None]
    read = sorted(state.last_success for state in active if state.last_success is not None)
    dues = [s.next_due for s in active if s.next_due is not None and s.next_due <= now]
    reasons = Counter(state.last_reason for state in active if is_failing(state))
    return FeedsSummary(
        known=len(states),
        due=sum(state.is_due(now) or state.was_polled_after(now) for state in active),
        failing=sum(reasons.values()),
        retired=len(states) - len(active),
        unread=len(active) - len(read),
        median_success=statistics.median_low(read) if read else None,
        oldest_success=read[0] if read else None,
        overdue_since=min(dues, default=None),
        reasons={str(reason): number for reason, number in reasons.most_common()},
    )
