"""When a feed is asked again, beyond what test_feed_state.py holds: own inputs for each rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.feed_hints import FeedPace, read_pace
from transforms.feed_state import FeedState, after_poll, failure_weight, host_pause, skip_over
from transforms.read_feeds import FeedPoll
from transforms.settings import PollSettings

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)  # a Wednesday
URL = "https://h.example.org/a"
SETTINGS = PollSettings(interval_s=600, max_interval_s=86_400)
MOVED = "https://new.example.org/feed"


def poll(reason: str | None = None, status: int = 200, **changes: Any) -> FeedPoll:
    items = 3 if reason is None and status == 200 else 0
    base = FeedPoll(URL, NOW, status, reason, None, None, None, None, items, 0, final_url=URL)
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("reason", "weight"),
    [
        ("timeout", 0.25),
        ("http_429", 0.25),
        ("http_503", 0.25),
        ("not_a_feed", 0.5),
        ("empty_body", 0.5),
        ("http_404", 1.0),
        ("dns_error", 1.0),
        ("redirect_loop", 1.0),
        ("host_paused", 0.0),
        (None, 0.0),
    ],
)
def test_failures_count_by_kind(reason: str | None, weight: float) -> None:
    assert failure_weight(reason) == weight
    assert after_poll(FeedState(URL), poll(reason), SETTINGS).failures == weight


def test_a_pause_is_the_host_s_until_the_very_second() -> None:
    asked = poll("http_429", 429, retry_after_s=120.0)
    assert host_pause(asked, SETTINGS) == ("h.example.org", NOW + timedelta(minutes=2))
    assert after_poll(FeedState(URL), asked, SETTINGS).next_due == NOW + timedelta(minutes=2)


def test_the_host_that_pauses_is_the_one_that_answered() -> None:
    asked = poll("http_503", 503, retry_after_s=60.0, final_url="https://cdn.example.com/a")
    pause = host_pause(asked, SETTINGS)
    assert pause is not None
    assert pause[0] == "cdn.example.com"


@pytest.mark.parametrize("retry_after_s", [None, 0.0])
def test_no_usable_retry_after_is_the_usual_back_off(retry_after_s: float | None) -> None:
    asked = poll("http_429", 429, retry_after_s=retry_after_s)
    assert host_pause(asked, SETTINGS) is None
    state = after_poll(FeedState(URL), asked, SETTINGS)
    assert state.retired is None
    assert state.next_due is not None
    assert NOW + timedelta(seconds=450) < state.next_due < NOW + timedelta(seconds=720)


def test_a_pause_is_clamped() -> None:
    asked = poll("http_429", 429, retry_after_s=1e8)
    pause = host_pause(asked, SETTINGS)
    assert pause is not None
    assert pause[1] == NOW + timedelta(days=1)


def test_gone_behind_a_redirect_is_only_a_failure() -> None:
    elsewhere = poll("http_410", 410, final_url="https://elsewhere.example.org/")
    state = after_poll(FeedState(URL), elsewhere, SETTINGS)
    assert (state.retired, state.failures) == (None, 1.0)


def test_a_remembered_address_that_is_gone_sends_the_feed_home_first() -> None:
    gone = poll("http_410", 410, final_url=MOVED)
    state = after_poll(FeedState(URL, address=MOVED), gone, SETTINGS)
    assert (state.asked, state.retired) == (URL, None)
    assert after_poll(state, poll("http_410", 410), SETTINGS).retired == "gone"


def test_a_passing_failure_keeps_the_remembered_address() -> None:
    assert after_poll(FeedState(URL, address=MOVED), poll("timeout"), SETTINGS).asked == MOVED


def test_not_modified_confirms_a_move_but_doesn_t_start_one() -> None:
    body, same = poll(permanent_url=MOVED), poll(status=304, permanent_url=MOVED)
    assert after_poll(FeedState(URL), same, SETTINGS).moved_to is None
    state = FeedState(URL)
    for one in (body, same, same):
        state = after_poll(state, one, SETTINGS)
    assert state.asked == MOVED


def test_a_stated_pace_outlives_polls_without_a_body() -> None:
    state = after_poll(FeedState(URL), poll(pace=FeedPace(3_600.0)), SETTINGS)
    state = after_poll(state, poll(status=304), SETTINGS)
    assert state.next_due == NOW + timedelta(hours=1)
    assert after_poll(state, poll(pace=FeedPace()), SETTINGS).next_due == NOW + timedelta(
        minutes=10
    )


def test_the_title_that_a_person_gave_stays_and_the_newest_entry_is_remembered() -> None:
    early, late = NOW - timedelta(days=2), NOW - timedelta(days=1)
    state = after_poll(FeedState(URL), poll(title="Own", newest_at=late), SETTINGS)
    state = after_poll(state, poll(title="Other", newest_at=early), SETTINGS)
    assert (state.title, state.last_item_at) == ("Own", late)


@pytest.mark.parametrize(
    ("hours", "days", "expected"),
    [
        ((10, 11), (), datetime(2025, 3, 12, 12, tzinfo=UTC)),
        ((), (2, 3), datetime(2025, 3, 14, 0, tzinfo=UTC)),
        ((0, 1), (2,), datetime(2025, 3, 13, 2, tzinfo=UTC)),
        (tuple(range(24)), (), NOW + timedelta(minutes=10)),
        ((), tuple(range(7)), NOW + timedelta(minutes=10)),
        ((9,), (5, 6), NOW + timedelta(minutes=10)),
    ],
)
def test_skipped_hours_and_days(
    hours: tuple[int, ...], days: tuple[int, ...], expected: datetime
) -> None:
    pace = FeedPace(None, hours, days)
    assert after_poll(FeedState(URL), poll(pace=pace), SETTINGS).next_due == expected


@settings(max_examples=60)
@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sets(st.integers(0, 23)),
    st.sets(st.integers(0, 6)),
)
def test_skipping_ends_within_a_week(due: datetime, hours: set[int], days: set[int]) -> None:
    due = due.replace(tzinfo=UTC)
    later = skip_over(due, FeedPace(None, tuple(hours), tuple(days)))
    assert due <= later <= due + timedelta(days=7)
    if len(hours) < 24 and len(days) < 7:
        assert later.hour not in hours
        assert later.weekday() not in days


HINTS = (
    "<rss version='2.0'><channel><title>t</title><ttl>30</ttl>"
    "<skipHours><hour>0</hour><hour>24</hour><hour> 5 </hour><hour>99</hour></skipHours>"
    "<skipDays><day>Saturday</day><day>SUNDAY</day><day>Someday</day></skipDays>{}</channel></rss>"
)
ITEM = "<item><title>a</title><ttl>1</ttl><skipDays><day>Monday</day></skipDays></item>"


def test_a_pace_is_read_from_the_head_in_any_encoding_and_never_from_an_entry() -> None:
    expected = FeedPace(1_800.0, (0, 5), (5, 6))
    assert read_pace(HINTS.format(ITEM).encode()) == expected
    assert read_pace(HINTS.format(ITEM).encode("utf-16")) == expected
    only_entry = f"<rss><channel>{ITEM}<ttl>60</ttl></channel></rss>"
    assert read_pace(only_entry.encode()) == FeedPace(3_600.0)
    assert read_pace(b"") == read_pace(b"\0\0\0\0") == FeedPace()


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_a_pace_is_read_from_anything(body: bytes) -> None:
    assert isinstance(read_pace(b"<ttl>" + body + b"<item>" + body), FeedPace)
