"""What feeds are and what is wrong with them, by reading each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from transforms.read_feeds import FeedPoll, FeedSource, poll_feeds
from transforms.records import RawItem, Reject
from transforms.settings import NetworkSettings, ReadSettings


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """One feed: what it is, how fresh, how many items, and what is wrong.

    `state` is `ok`, `warning` (it can be read, with the faults in `problems`) or `broken`.
    """

    url: str
    state: str
    kind: str | None
    title: str | None
    status: int
    items: int
    newest_at: datetime | None
    problems: tuple[str, ...]


def check_feeds(
    sources: Iterable[FeedSource],
    network: NetworkSettings,
    read: ReadSettings,
    stale_days: int,
    now: datetime,
) -> Iterator[FeedCheck]:
    """Yield each feed's check as it arrives; nothing is saved, so no run misses an item.

    Validators are left aside: an answer of "not modified" would tell nothing of the feed.
    """
    plain = [FeedSource(one.url, one.outlet, address=one.address) for one in sources]
    items: list[RawItem] = []
    rejects: list[Reject] = []
    for found in poll_feeds(plain, network, read, lambda: now):
        if isinstance(found, RawItem):
            items.append(found)
        elif isinstance(found, Reject):
            rejects.append(found)
        else:
            yield _check(found, items, rejects, timedelta(days=stale_days))
            items, rejects = [], []


def _check(
    poll: FeedPoll, items: list[RawItem], rejects: list[Reject], stale: timedelta
) -> FeedCheck:
    if poll.reason is not None:
        problems = [f"{poll.reason}: {poll.detail}" if poll.detail else poll.reason]
    else:
        problems = [*_faults(items, rejects), *_age(poll, stale)]
    if poll.permanent_url is not None:
        problems.append(f"moved to {poll.permanent_url}")
    broken = poll.reason not in (None, "empty_feed")
    return FeedCheck(
        url=poll.url,
        state="broken" if broken else "warning" if problems else "ok",
        kind=poll.kind,
        title=poll.title,
        status=poll.status,
        items=poll.items,
        newest_at=poll.newest_at,
        problems=tuple(problems),
    )


def _faults(items: list[RawItem], rejects: list[Reject]) -> Iterator[str]:
    flags = dict.fromkeys(flag for item in items for flag in item.flags)
    if "feed_recovered" in flags:
        yield "not well-formed, read after repair"
    for flag in flags:
        if flag not in ("feed_recovered", "url_shared"):
            yield flag.replace("_", " ")
    for name, number in (
        ("without a date", sum(item.published is None for item in items)),
        ("without a link", sum(item.url is None for item in items)),
        ("share a link with another", sum("url_shared" in item.flags for item in items)),
        ("share a guid with another", sum(bool(i.guid) and not i.guid_unique for i in items)),
    ):
        if number:
            yield f"{number} of {len(items)} entries {name}"
    reasons = sorted({reject.reason for reject in rejects})
    for reason in reasons:
        yield f"{sum(reject.reason == reason for reject in rejects)} entries rejected: {reason}"


def _age(poll: FeedPoll, stale: timedelta) -> Iterator[str]:
    if poll.newest_at is not None and poll.polled_at - poll.newest_at > stale:
        yield f"stale: nothing since {poll.newest_at.date().isoformat()}"
