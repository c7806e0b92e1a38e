from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transforms.feed_hints import update_interval_s
from transforms.feed_state import FeedState, after_poll
from transforms.read_feeds import FeedPoll
from transforms.settings import PollSettings

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)
URL = "https://daily.example.net/feed"
SETTINGS = PollSettings(interval_s=600, max_interval_s=86_400)
FRESH = FeedState(URL, outlet="Daily")


def poll(**changes: Any) -> FeedPoll:
    return replace(
        FeedPoll(
            url=URL,
            polled_at=NOW,
            status=200,
            reason=None,
            etag='"1"',
            last_modified=None,
            permanent_url=None,
            retry_after_s=None,
            items=3,
            rejects=0,
        ),
        **changes,
    )


def failed(reason: str, **changes: Any) -> FeedPoll:
    return poll(reason=reason, status=0, items=0, etag=None, **changes)


def wait(state: FeedState) -> float:
    assert state.next_due is not None
    return (state.next_due - NOW).total_seconds()


def test_a_success_sets_the_feed_right_again() -> None:
    state = after_poll(replace(FRESH, failures=7), poll(), SETTINGS)
    assert (state.failures, state.etag, state.last_success) == (0, '"1"', NOW)
    assert wait(state) == 600
    assert not state.is_due(NOW + timedelta(seconds=599))
    assert state.is_due(NOW + timedelta(seconds=600))
    assert FRESH.is_due(NOW)
    assert state.source.etag == '"1"'


def test_an_empty_feed_is_no_failure() -> None:
    assert after_poll(FRESH, poll(reason="empty_feed", items=0), SETTINGS).failures == 0


@pytest.mark.parametrize(
    ("hint", "expected"), [(None, 600), (60, 600), (3_600, 3_600), (1e9, 86_400)]
)
def test_hints_make_polls_rarer_within_limits(hint: float | None, expected: float) -> None:
    assert wait(after_poll(FRESH, poll(wait_hint_s=hint), SETTINGS)) == expected


def test_failures_make_polls_rarer_up_to_once_a_day_and_never_stop_them() -> None:
    state, waits = FRESH, []
    for _ in range(50):
        state = after_poll(state, failed("http_404"), SETTINGS)
        waits.append(wait(state))
    assert waits[0] <= 1_200
    assert waits[3] > waits[0]
    assert all(0.75 * 86_400 <= one <= 86_400 for one in waits[10:])
    assert (state.failures, state.retired) == (50, None)


def test_feeds_that_fail_together_don_t_come_back_together() -> None:
    states = [
        after_poll(FeedState(f"https://{n}.example/"), failed("timeout"), SETTINGS)
        for n in range(20)
    ]
    assert len({wait(state) for state in states}) > 10


@pytest.mark.parametrize(("asked", "expected"), [(120.0, 120), (3_600.0, 3_600), (1e9, 86_400)])
def test_the_pause_that_a_server_asks_for_is_kept(asked: float, expected: float) -> None:
    state = after_poll(FRESH, failed("http_429", retry_after_s=asked), SETTINGS)
    assert (wait(state), state.retired) == (expected, None)


def test_a_sibling_on_a_pausing_host_waits_without_blame() -> None:
    state = after_poll(FRESH, failed("host_paused", retry_after_s=120.0), SETTINGS)
    assert (wait(state), state.failures) == (120, 0)


def test_gone_is_gone() -> None:
    state = after_poll(FRESH, failed("http_410"), SETTINGS)
    assert (state.retired, state.is_due(NOW + timedelta(days=999))) == ("gone", False)


def test_a_permanent_redirect_is_believed_when_it_lasts() -> None:
    moved = poll(permanent_url="https://new.example.net/feed")
    state = FRESH
    for expected in (None, None, "https://new.example.net/feed"):
        state = after_poll(state, moved, SETTINGS)
        assert state.address == expected
    assert state.url == URL
    assert (state.source.url, state.source.address) == (URL, "https://new.example.net/feed")


def test_a_redirect_that_changes_or_fails_starts_again() -> None:
    first, second = (
        poll(permanent_url="https://a.example/"),
        poll(permanent_url="https://b.example/"),
    )
    state = FRESH
    for one in (first, first, second, second, failed("not_a_feed"), second, second):
        state = after_poll(state, one, SETTINGS)
    assert state.address is None
    assert after_poll(state, second, SETTINGS).address == "https://b.example/"


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ("<rss><channel><ttl>30</ttl>", 1_800.0),
        ("<sy:updatePeriod> hourly </sy:updatePeriod>", 3_600.0),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            21_600.0,
        ),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            86_400.0,
        ),
        ("<sy:updatePeriod>never</sy:updatePeriod>", None),
        ("<rss><channel>", None),
    ],
)
def test_what_feeds_say_of_their_pace(head: str, seconds: float | None) -> None:
    assert update_interval_s(head) == seconds
