"""When a feed is next asked, from what its polls came to: a pure step from state to state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from transforms.ids import stable_int
from transforms.read_feeds import FeedPoll, FeedSource
from transforms.settings import PollSettings

# Reasons that say something of the network or the host, not of the feed.
_NOT_ITS_FAULT = frozenset(("host_paused",))
_JITTER_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of one feed between polls.

    `url` identifies the feed for ever; `address` is where it is asked, which permanent redirects
    move. `retired` names why it isn't asked any more (`gone`). `moved_to` and `moves` count
    redirects in a row to one place until they are believed.
    """

    url: str
    outlet: str | None = None
    tags: tuple[str, ...] = ()
    address: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    next_due: datetime | None = None
    failures: int = 0
    last_polled: datetime | None = None
    last_success: datetime | None = None
    last_reason: str | None = None
    moved_to: str | None = None
    moves: int = 0
    retired: str | None = None

    @property
    def source(self) -> FeedSource:
        """Return what to poll."""
        return FeedSource(self.url, self.outlet, self.etag, self.last_modified, self.address)

    def is_due(self, now: datetime) -> bool:
        """Say whether the feed is to be asked now."""
        return self.retired is None and (self.next_due is None or self.next_due <= now)


def after_poll(state: FeedState, poll: FeedPoll, settings: PollSettings) -> FeedState:
    """Return the feed's state after a poll.

    A feed that fails is asked less and less often, at least once in `max_interval_s`, and never
    given up, but for 410 Gone. What the server asks for (Retry-After) is kept, up to that limit.
    """
    polled = replace(state, last_polled=poll.polled_at, last_reason=poll.reason)
    if poll.reason in (None, "empty_feed"):
        return _succeeded(polled, poll, settings)
    if poll.reason == "http_410":
        return replace(polled, retired="gone", failures=state.failures + 1, next_due=None)
    failures = state.failures + (poll.reason not in _NOT_ITS_FAULT)
    if poll.retry_after_s is not None:
        wait = min(poll.retry_after_s, settings.max_interval_s)
    else:
        backed_off = settings.interval_s * 2.0 ** min(failures, 30)
        wait = min(backed_off, settings.max_interval_s) * _jitter(state.url, failures)
    return replace(
        polled, failures=failures, next_due=poll.polled_at + timedelta(seconds=wait), moves=0
    )


def _succeeded(polled: FeedState, poll: FeedPoll, settings: PollSettings) -> FeedState:
    wait = max(settings.interval_s, poll.wait_hint_s or 0.0)
    moves, address = 0, polled.address
    if poll.permanent_url is not None:
        moves = polled.moves + 1 if poll.permanent_url == polled.moved_to else 1
        if moves >= settings.moves_to_believe:
            moves, address = 0, poll.permanent_url
    return replace(
        polled,
        etag=poll.etag,
        last_modified=poll.last_modified,
        failures=0,
        last_success=poll.polled_at,
        next_due=poll.polled_at + timedelta(seconds=min(wait, settings.max_interval_s)),
        moved_to=poll.permanent_url,
        moves=moves,
        address=address,
    )


def _jitter(url: str, failures: int) -> float:
    """Return 0.75 to 1, the same for the same feed and failure: spread without dice."""
    step = stable_int(f"{url} {failures}") % _JITTER_STEPS
    return 1.0 - step / _JITTER_STEPS / 4
