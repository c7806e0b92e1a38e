"""Feeds over real HTTP, poll after poll: what is asked, when, where, and what is learnt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from pipeline.feeds.opml import Subscription
from pipeline.feeds.polling import plan_polls
from pipeline.feeds.registry import add_feeds, remove_feeds, tagged
from pipeline.feeds.state import FeedStore
from transforms.feed_state import FeedState
from transforms.read_feeds import FeedPoll, poll_feeds
from transforms.records import RawItem
from transforms.settings import FeedSettings, NetworkSettings, ReadSettings

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)
LOCAL = NetworkSettings(allow_private=True, retries=0, per_host=1)
SETTINGS = FeedSettings(interval_s=600)
Answer = tuple[int, dict[str, str], str]


def rss(*titles: str, head: str = "") -> str:
    items = "".join(f"<item><title>{t}</title><link>/{t}</link></item>" for t in titles)
    return f"<rss version='2.0'><channel><title>Own</title>{head}{items}</channel></rss>"


class Web:
    """A server with scripted answers, and runs against it that keep state as `run` does."""

    def __init__(self, http: HTTPServer, database: Path) -> None:
        self.http = http
        self.store = FeedStore(f"sqlite:///{database}")
        self.asked: list[tuple[str, int, str | None]] = []
        self.now = NOW

    def url(self, path: str, host: str = "localhost") -> str:
        return f"http://{host}:{self.http.port}{path}"

    def answers(self, path: str, *answers: Answer) -> str:
        """Answer in this order, the last for ever, with "not modified" where the ETag fits."""
        left = list(answers)

        def answer(request: Request) -> Response:
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            tag = request.headers.get("If-None-Match")
            if status == 200 and tag is not None and tag == headers.get("ETag"):
                status, body = 304, ""
            self.asked.append((path, status, tag))
            return Response(body, status, headers, content_type="application/rss+xml")

        self.http.expect_request(path).respond_with_handler(answer)
        return self.url(path)

    def add(self, *urls: str) -> None:
        add_feeds(self.store, [Subscription(url) for url in urls], self.now)

    def run(self, *, later: timedelta = timedelta(0), save: bool = True) -> list[RawItem]:
        """Poll what is due after some time; returns the items."""
        self.now += later
        plan = plan_polls(self.store, [], SETTINGS, self.now)
        found = list(poll_feeds(plan.sources, LOCAL, ReadSettings(), lambda: self.now))
        if save:
            polls = [one for one in found if isinstance(one, FeedPoll)]
            self.store.save_polls(polls, SETTINGS)
        return [one for one in found if isinstance(one, RawItem)]

    def state(self, url: str) -> FeedState:
        return self.store.load([url])[url]

    def wait(self, url: str) -> float:
        due = self.state(url).next_due
        assert due is not None
        return (due - self.now).total_seconds()


@pytest.fixture
def web(httpserver: HTTPServer, tmp_path: Path) -> Iterator[Web]:
    yield Web(httpserver, tmp_path / "feeds.sqlite")


DAY = timedelta(days=1)


def test_a_second_poll_where_nothing_changed_sends_no_body(web: Web) -> None:
    head = "<ttl>45</ttl>"
    url = web.answers("/feed", (200, {"ETag": '"1"'}, rss("a", "b", head=head)))
    web.add(url)
    assert len(web.run()) == 2
    assert web.state(url).title == "Own"
    assert web.wait(url) == 45 * 60
    assert web.run(later=timedelta(minutes=44)) == []
    assert len(web.asked) == 1, "it isn't due yet"
    assert web.run(later=timedelta(minutes=1)) == []
    assert web.asked[1] == ("/feed", 304, '"1"')
    assert web.wait(url) == 45 * 60, "the pace is known without a body"


def test_a_server_without_validators_has_its_old_entries_left_alone(web: Web) -> None:
    answers = [(200, {}, rss("a", "b")), (200, {}, rss("c", "a", "b")), (404, {}, "")]
    web.add(url := web.answers("/feed", *answers, answers[1]))
    assert [item.title for item in web.run()] == ["a", "b"]
    assert [item.title for item in web.run(later=DAY)] == ["c"]
    assert web.run(later=DAY) == []
    assert web.run(later=DAY) == []
    assert web.state(url).failures == 0


def test_a_poll_whose_state_was_lost_is_repeated_with_all_its_items(web: Web) -> None:
    web.add(web.answers("/feed", (200, {"ETag": '"1"'}, rss("a", "b"))))
    lost = web.run(save=False)
    assert web.run() == lost
    assert [tag for _, _, tag in web.asked] == [None, None]


def test_cache_control_and_skipped_hours_put_the_next_poll_off(web: Web) -> None:
    cached = web.answers("/a", (200, {"Cache-Control": "max-age=7200"}, rss("a")))
    skipping = web.answers("/b", (200, {}, rss("b", head="<skipHours><hour>10</hour></skipHours>")))
    web.add(cached, skipping)
    web.run()
    assert (web.wait(cached), web.wait(skipping)) == (7_200, 3_600)


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_is_remembered_the_third_time(web: Web, status: int) -> None:
    old = web.answers("/old", (status, {"Location": "/new"}, ""))
    new = web.answers("/new", (200, {"ETag": '"n"'}, rss("a")))
    web.add(old)
    for number in range(4):
        items = web.run(later=DAY)
        assert all(item.feed_url == old for item in items)
        assert web.state(old).asked == (new if number >= 2 else old)
    assert [path for path, _, _ in web.asked] == ["/old", "/new"] * 3 + ["/new"]
    assert web.asked[-1] == ("/new", 304, '"n"')


@pytest.mark.parametrize(
    ("status", "body"), [(302, rss("a")), (303, rss("a")), (307, rss("a")), (301, "<html>Down")]
)
def test_a_redirect_that_is_temporary_or_leads_to_no_feed_never_is(
    web: Web, status: int, body: str
) -> None:
    old = web.answers("/old", (status, {"Location": "/there"}, ""))
    web.answers("/there", (200, {"ETag": '"1"', "Last-Modified": "x"}, body))
    web.add(old)
    for _ in range(5):
        web.run(later=DAY)
    state = web.state(old)
    assert (state.asked, state.retired) == (old, None)


def test_a_redirect_that_comes_and_goes_starts_again(web: Web) -> None:
    away, home = (301, {"Location": "/new"}, ""), (200, {}, rss("a"))
    old = web.answers("/old", away, away, home, away, away, home)
    web.answers("/new", (200, {}, rss("a")))
    web.add(old)
    for _ in range(6):
        web.run(later=DAY)
    assert web.state(old).asked == old


def test_a_remembered_address_that_fails_is_given_up_for_the_first_one(web: Web) -> None:
    moved, found = (301, {"Location": "/new"}, ""), (200, {}, rss("b"))
    old = web.answers("/old", moved, moved, moved, found)
    feed = (200, {}, rss("a"))
    web.answers("/new", feed, feed, feed, (404, {}, ""))
    web.add(old)
    for _ in range(4):
        web.run(later=DAY)
    assert web.state(old).last_reason == "http_404"
    assert [item.title for item in web.run(later=DAY)] == ["b"]


def test_gone_is_reported_once_and_asked_again_only_if_added_again(web: Web) -> None:
    url = web.answers("/feed", (410, {}, ""), (200, {}, rss("a")))
    web.add(url)
    web.run()
    assert (web.state(url).retired, web.state(url).last_reason) == ("gone", "http_410")
    assert web.run(later=30 * DAY) == []
    assert len(web.asked) == 1
    (change,) = add_feeds(web.store, [Subscription(url)], web.now)
    assert change.change == "revived"
    assert len(web.run()) == 1


def test_too_many_requests_keep_the_host_s_other_feeds_back(web: Web) -> None:
    pausing = web.answers("/a", (429, {"Retry-After": "120"}, ""), (200, {}, rss("a")))
    sibling = web.answers("/b", (200, {}, rss("b")))
    web.answers("/c", (200, {}, rss("c")))
    other = web.url("/c", "127.0.0.1")
    web.add(pausing, other)
    assert [item.title for item in web.run()] == ["c"]
    assert web.wait(pausing) == 120
    web.add(sibling)
    assert web.run(later=timedelta(seconds=119)) == []
    assert "/b" not in [path for path, _, _ in web.asked]
    titles = {item.title for item in web.run(later=timedelta(seconds=1))}
    assert titles == {"a", "b"}
    assert web.state(pausing).failures == 0


def test_siblings_of_the_same_run_wait_too_and_aren_t_blamed(web: Web) -> None:
    urls = [web.answers(f"/{n}", (503, {"Retry-After": "300"}, "")) for n in range(4)]
    web.add(*urls)
    web.run()
    assert len(web.asked) == 1
    assert sorted(web.state(url).failures for url in urls) == [0, 0, 0, 0.25]
    assert all(295 < web.wait(url) <= 300 for url in urls)


@pytest.mark.parametrize(
    ("value", "low", "high"), [("soon", 450, 720), ("99999999", 86_400, 86_400), ("0", 450, 720)]
)
def test_retry_after_that_is_nonsense_or_beyond_limits(
    web: Web, value: str, low: float, high: float
) -> None:
    url = web.answers("/feed", (429, {"Retry-After": value}, ""))
    web.add(url)
    web.run()
    assert low <= web.wait(url) <= high
    assert web.state(url).retired is None


def test_a_missing_feed_is_asked_less_and_less_often_and_may_come_back(web: Web) -> None:
    lost: Answer = (404, {}, "")
    url = web.answers("/feed", *[lost] * 10, (200, {}, rss("a")))
    web.add(url)
    waits = []
    for _ in range(10):
        assert web.run(later=DAY) == []
        waits.append(web.wait(url))
    assert waits[0] <= 1_200 < waits[2] < waits[-1] <= 86_400
    assert len(web.run(later=DAY)) == 1
    assert (web.state(url).failures, web.wait(url)) == (0, 600)


def test_what_goes_wrong_with_one_feed_is_its_own(web: Web) -> None:
    loop = web.answers("/loop", (301, {"Location": "/pool"}, ""))
    web.answers("/pool", (301, {"Location": "/loop"}, ""))
    nowhere = web.answers("/nowhere", (301, {}, ""))
    page = web.answers("/page", (200, {"ETag": '"page"'}, "<html>Log in</html>"))
    good = web.answers("/good", (200, {}, rss("a")))
    web.add(loop, nowhere, page, good)
    assert len(web.run()) == 1
    reasons = {url: web.state(url).last_reason for url in (loop, nowhere, page, good)}
    assert reasons == {
        loop: "redirect_loop",
        nowhere: "redirect_without_location",
        page: "not_a_feed",
        good: None,
    }
    assert web.state(page).etag is None


def test_the_registry(web: Web) -> None:
    one, two = "https://a.example/feed", "https://b.example/feed"
    store = web.store
    added = [Subscription(one, "A", "Daily", ("News/Europe",)), Subscription(two)]
    assert [c.change for c in add_feeds(store, added, NOW)] == ["added", "added"]
    assert [c.change for c in add_feeds(store, added, NOW + DAY)] == ["unchanged", "unchanged"]
    more = Subscription(one, tags=("Daily",))
    assert [c.change for c in add_feeds(store, [more], NOW + DAY)] == ["updated"]
    state = web.state(one)
    assert (state.title, state.outlet, state.added_at) == ("A", "Daily", NOW)
    assert state.tags == ("News/Europe", "Daily")
    for tags, found in (
        (["News"], [one]),
        (["News/Europe", "Daily"], [one]),
        (["New"], []),
        ([], [one, two]),
    ):
        assert [state.url for state in tagged(store.registered(), tags)] == found
    assert remove_feeds(store, [two, "https://c.example/"]) == ["https://c.example/"]
    assert [state.url for state in store.registered()] == [one]


def test_a_schedule_asks_what_falls_due_soon_and_named_feeds_when_due_too(web: Web) -> None:
    feeds = {name: web.url(f"/{name}") for name in ("soon", "later", "named", "new", "future")}
    dues = {"soon": 20, "later": 400, "named": 400}
    states = [
        FeedState(
            feeds[name],
            last_polled=NOW - timedelta(seconds=100),
            next_due=NOW + timedelta(seconds=seconds),
            added_at=None if name == "named" else NOW,
        )
        for name, seconds in dues.items()
    ]
    # The clock was set back by an hour after this one's poll.
    ahead = NOW + timedelta(hours=1)
    states.append(FeedState(feeds["future"], last_polled=ahead, next_due=ahead, added_at=NOW))
    web.store.put(states)
    named = [feeds["named"], feeds["new"]]

    def asked(due_within_s: float | None, read: str = "due") -> set[str]:
        settings = SETTINGS.model_copy(update={"read": read})
        plan = plan_polls(web.store, named, settings, NOW, due_within_s)
        return {source.url.rpartition("/")[2] for source in plan.sources}

    assert asked(None) == {"soon", "named", "new", "future"}
    assert asked(0.0) == {"soon", "new", "future"}
    assert asked(500.0) == {"soon", "later", "named", "new", "future"}
    assert asked(0.0, "none") == {"new"}
    assert asked(0.0, "all") == set(feeds)
