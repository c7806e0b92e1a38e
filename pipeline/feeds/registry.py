"""The feeds that a person added: what `newsalign run` reads when they are due."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.feeds.opml import Subscription
from pipeline.feeds.place import FeedsError
from pipeline.feeds.state import MAX_URL_BYTES, FeedStore
from transforms.feed_state import FeedState
from transforms.urls import absolute_url

# `mailto:a@b`, but not `example.org:8080/rss`.
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Change:
    """What adding did to a feed: `added`, `updated`, `revived` (it was gone) or `unchanged`."""

    url: str
    change: str


def feed_url(text: str) -> str:
    """Return the URL that a person means by `feed:…`, `example.org/rss` or a whole URL.

    Raises FeedsError for what can't be an http(s) URL.
    """
    url = text.strip().partition("#")[0]
    if url.lower().startswith("feed:"):
        url = url[5:].removeprefix("//")
    if "://" not in url and _OTHER_SCHEME.match(url) is None:
        url = f"https://{url}"
    found = absolute_url(url, None)
    if found is None or len(found.encode("utf-8", "replace")) > MAX_URL_BYTES:
        raise FeedsError(f"{text[:200]}: not a URL that a feed can have")
    return found


def add_feeds(store: FeedStore, feeds: Iterable[Subscription], now: datetime) -> list[Change]:
    """Add feeds, or change what is said of those that are there; tags add up.

    What polls have learnt stays. A feed that was given up as gone is asked again.
    """
    wanted = {feed.url: feed for feed in feeds}
    known = store.load(wanted)
    changes, states = [], []
    for url, feed in wanted.items():
        before = known.get(url, FeedState(url))
        after = replace(
            before,
            outlet=feed.outlet or before.outlet,
            title=feed.title or before.title,
            tags=tuple(dict.fromkeys((*before.tags, *feed.tags))),
            added_at=before.added_at or now,
        )
        if before.retired:
            after = replace(after, retired=None, failures=0.0, next_due=None)
        if after != before:
            states.append(after)
        changes.append(Change(url, _change(before, after)))
    store.put(states)
    return changes


def remove_feeds(store: FeedStore, urls: Iterable[str]) -> list[str]:
    """Remove feeds and return those that weren't there."""
    wanted = list(dict.fromkeys(urls))
    there = {url for url, state in store.load(wanted).items() if state.added_at}
    store.delete(there)
    return [url for url in wanted if url not in there]


def tagged(states: Iterable[FeedState], tags: Iterable[str]) -> list[FeedState]:
    """Return the feeds that have all of some tags; "News" covers "News/Europe"."""
    wanted = [tag.strip("/") for tag in tags]
    return [
        state
        for state in states
        if all(any(f"{own}/".startswith(f"{tag}/") for own in state.tags) for tag in wanted)
    ]


def as_subscription(state: FeedState) -> Subscription:
    """Return a feed as lists name it."""
    return Subscription(state.url, state.title, state.outlet, state.tags)


def _change(before: FeedState, after: FeedState) -> str:
    if before.added_at is None:
        return "added"
    if before.retired:
        return "revived"
    return "unchanged" if after == before else "updated"
