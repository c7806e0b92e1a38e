"""When a feed is next asked, from what its polls came to: a pure step from state to state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from transforms.feed_hints import FeedPace
from transforms.fetch import host_of
from transforms.ids import stable_int
from transforms.read_feeds import FeedPoll, FeedSource
from transforms.settings import PollSettings

# What a failure counts for, as Media Cloud's rss-fetcher has it: what passes by itself counts
# little, an answer that isn't a feed half, all else (no such page, no such host) in full.
TEMPORARY, SOFT, HARD = 0.25, 0.5, 1.0
_TEMPORARY = frozenset(("timeout", "connection_error", "connection_lost", "http_408", "http_429"))
_NO_FEED = ("binary", "empty_body", "not_a_feed", "parse_failed", "too_complex")
_SOFT = frozenset((*_NO_FEED, "too_large", "bad_compression", "fetch_failed"))
_NO_PACE = FeedPace()
# Whole hours that skipHours and skipDays can hold a feed back: all of a week.
_WEEK_HOURS = 7 * 24
# Reasons that say something of the network or the host, not of the feed.
_NOT_ITS_FAULT = frozenset(("host_paused",))
_JITTER_STEPS = 1_000
# Two machines that poll in turn, or a run that goes on while another is planned, may differ so.
_CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of one feed between polls.

    `url` identifies the feed for ever; `address` is where it is asked, which permanent redirects
    move. `retired` names why it isn't asked any more (`gone`). `moved_to` and `moves` count
    redirects in a row to one place until they are believed. `failures` adds up what the failures
    in a row count for. `last_item_at` is the latest date that an entry bore. `memory` is what the
    feed held (`transforms.feed_memory`). `added_at` is None
    for a feed that nobody added to the registry.
    """

    url: str
    outlet: str | None = None
    tags: tuple[str, ...] = ()
    address: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    next_due: datetime | None = None
    failures: float = 0.0
    last_polled: datetime | None = None
    last_success: datetime | None = None
    last_reason: str | None = None
    moved_to: str | None = None
    moves: int = 0
    retired: str | None = None
    title: str | None = None
    pace: FeedPace = _NO_PACE
    last_status: int | None = None
    last_item_at: datetime | None = None
    added_at: datetime | None = None
    memory: str = ""

    @property
    def asked(self) -> str:
        """Return the URL to ask."""
        return self.address or self.url

    @property
    def source(self) -> FeedSource:
        """Return what to poll."""
        return FeedSource(
            self.url, self.outlet, self.etag, self.last_modified, self.address, self.memory
        )

    def is_due(self, now: datetime) -> bool:
        """Say whether the feed is to be asked now."""
        return self.retired is None and (self.next_due is None or self.next_due <= now)

    def was_polled_after(self, now: datetime) -> bool:
        """Say whether the last poll lies in the future: the clock was set back, dues are void."""
        polled = self.last_polled
        return self.retired is None and polled is not None and polled > now + _CLOCK_SLACK


def after_poll(state: FeedState, poll: FeedPoll, settings: PollSettings) -> FeedState:
    """Return the feed's state after a poll.

    A feed that fails is asked less and less often, at least once in `max_interval_s`, and never
    given up, but for 410 Gone. What the server asks for (Retry-After) is kept, up to that limit.
    A remembered redirect is forgotten where it leads to nothing: the feed may be back at home.
    """
    polled = replace(
        state, last_polled=poll.polled_at, last_reason=poll.reason, last_status=poll.status
    )
    if poll.reason in (None, "empty_feed"):
        return _succeeded(polled, poll, settings)
    weight = failure_weight(poll.reason)
    failures = state.failures + weight
    gone = poll.reason == "http_410" and poll.final_url in (None, state.url)
    if gone and state.address is None:
        return replace(polled, retired="gone", failures=failures, next_due=None)
    if poll.retry_after_s:
        wait = min(poll.retry_after_s, settings.max_interval_s)
    else:
        backed_off = settings.interval_s * 2.0 ** min(failures, 30.0)
        wait = min(backed_off, settings.max_interval_s) * _jitter(state.url, failures)
    return replace(
        polled,
        failures=failures,
        next_due=poll.polled_at + timedelta(seconds=wait),
        moves=0,
        address=None if weight == HARD else state.address,
    )


def failure_weight(reason: str | None) -> float:
    """Return what a failure counts for, 0 where it says nothing of the feed."""
    if reason is None or reason in _NOT_ITS_FAULT:
        return 0.0
    if reason in _TEMPORARY or reason.startswith("http_5"):
        return TEMPORARY
    return SOFT if reason in _SOFT else HARD


def host_pause(poll: FeedPoll, settings: PollSettings) -> tuple[str, datetime] | None:
    """Return the host that asked to be left alone and until when; all its feeds wait."""
    if poll.status not in (429, 503) or not poll.retry_after_s:
        return None
    wait = min(poll.retry_after_s, settings.max_interval_s)
    return host_of(poll.final_url or poll.url), poll.polled_at + timedelta(seconds=wait)


def skip_over(due: datetime, pace: FeedPace) -> datetime:
    """Return the first time from `due` on that lies in no hour and on no day to be skipped.

    A feed that skips all hours or all days means something else: it is taken at neither word.
    """
    hours = pace.skip_hours if len(pace.skip_hours) < 24 else ()
    days = pace.skip_days if len(pace.skip_days) < 7 else ()
    for _ in range(_WEEK_HOURS):
        if due.hour not in hours and due.weekday() not in days:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return due


def _succeeded(polled: FeedState, poll: FeedPoll, settings: PollSettings) -> FeedState:
    pace = poll.pace or polled.pace
    wait = max(settings.interval_s, poll.wait_hint_s or 0.0, pace.interval_s or 0.0)
    due = poll.polled_at + timedelta(seconds=min(wait, settings.max_interval_s))
    moves, address, moved_to = 0, polled.address, poll.permanent_url
    if moved_to is not None and poll.status == 304 and moved_to != polled.moved_to:
        # Any page may say "not modified"; that the feed is there takes a body that is one.
        moved_to = None
    if moved_to is not None:
        moves = polled.moves + 1 if moved_to == polled.moved_to else 1
        if moves >= settings.moves_to_believe:
            moves, address, moved_to = 0, moved_to, None
    return replace(
        polled,
        etag=poll.etag,
        last_modified=poll.last_modified,
        failures=0.0,
        last_success=poll.polled_at,
        next_due=skip_over(due, pace),
        moved_to=moved_to,
        moves=moves,
        address=address if address != polled.url else None,
        memory=poll.memory,
        title=polled.title or poll.title,
        pace=pace,
        last_item_at=max(filter(None, (polled.last_item_at, poll.newest_at)), default=None),
    )


def _jitter(url: str, failures: float) -> float:
    """Return 0.75 to 1, the same for the same feed and failure: spread without dice."""
    step = stable_int(f"{url} {failures}") % _JITTER_STEPS
    return 1.0 - step / _JITTER_STEPS / 4
