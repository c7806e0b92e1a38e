from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from pytest_httpserver import HTTPServer
from werkzeug import Response

from transforms.feed_hints import FeedPace
from transforms.fetch import host_of
from transforms.read_feeds import (
    FeedPoll,
    FeedSource,
    ReadFeeds,
    poll_feeds,
    shard_of,
    spread_hosts,
)
from transforms.records import RawItem, Reject
from transforms.settings import NetworkSettings, ReadSettings

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
LOCAL = NetworkSettings(allow_private=True, retries=0)
FEED = (
    "<rss version='2.0'><channel><title>t</title><item><title>A</title><link>/a</link></item>"
    "<item/></channel></rss>"
)
PAGE = "<html><body>Down for maintenance</body></html>"


def poll(*sources: FeedSource) -> list[Any]:
    return list(poll_feeds(sources, LOCAL, ReadSettings(), lambda: AT))


def test_items_come_before_the_poll_that_vouches_for_them(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, headers={"ETag": '"1"'})
    url = httpserver.url_for("/feed")
    item, reject, state = poll(FeedSource(url, outlet="Daily"))
    assert isinstance(item, RawItem)
    assert (item.title, item.outlet, item.feed_url, item.fetched_at) == ("A", "Daily", url, AT)
    assert item.url == httpserver.url_for("/a")
    assert isinstance(reject, Reject)
    assert (reject.stage, reject.reason, reject.origin) == ("read", "empty_entry", f"{url}#2")
    assert isinstance(state, FeedPoll)
    assert (state.reason, state.status, state.items, state.rejects) == (None, 200, 1, 1)
    assert (state.etag, state.polled_at) == ('"1"', AT)


def test_nothing_new_is_no_reject(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed", headers={"If-None-Match": '"1"'}).respond_with_data(
        status=304
    )
    (state,) = poll(FeedSource(httpserver.url_for("/feed"), etag='"1"'))
    assert (state.reason, state.status, state.etag, state.items) == (None, 304, '"1"', 0)


def test_only_what_is_new_in_a_feed_is_read(httpserver: HTTPServer) -> None:
    bodies = [FEED, FEED, FEED.replace("<item>", "<item><title>B</title></item><item>", 1), FEED]
    httpserver.expect_request("/feed").respond_with_handler(lambda _: Response(bodies.pop(0)))
    source = FeedSource(httpserver.url_for("/feed"))
    titles, counts = [], []
    for _ in range(4):
        found = poll(source)
        titles.append([one.title for one in found if isinstance(one, RawItem)])
        counts.append((found[-1].reason, found[-1].items))
        source = replace(source, memory=found[-1].memory)
    assert titles == [["A"], [], ["B"], []]
    assert counts == [(None, 1), (None, 0), (None, 2), (None, 1)]


def test_what_is_no_feed_leaves_the_memory_alone(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    httpserver.expect_request("/page").respond_with_data(PAGE)
    known = poll(FeedSource(httpserver.url_for("/feed")))[-1].memory
    assert known
    for path in ("/page", "/absent"):
        state = poll(FeedSource(httpserver.url_for(path), memory=known))[-1]
        assert state.memory == known
        assert state.reason is not None


@pytest.mark.parametrize(
    ("body", "status", "stage", "reason"),
    [
        (PAGE, 200, "read", "not_a_feed"),
        ("", 200, "read", "empty_body"),
        (PAGE, 404, "fetch", "http_404"),
        ("", 429, "fetch", "http_429"),
    ],
)
def test_a_failure_is_one_reject_and_keeps_the_old_validators(
    httpserver: HTTPServer, body: str, status: int, stage: str, reason: str
) -> None:
    httpserver.expect_request("/feed").respond_with_data(
        body, status=status, headers={"ETag": '"error page"'}
    )
    url = httpserver.url_for("/feed")
    reject, state = poll(FeedSource(url, outlet="Daily", etag='"1"'))
    assert (reject.stage, reject.reason) == (stage, reason)
    assert (reject.origin, reject.feed_url, reject.outlet, reject.at) == (url, url, "Daily", AT)
    assert (state.reason, state.status, state.etag) == (reason, status, '"1"')


def test_a_permanent_redirect_counts_only_if_a_feed_is_there(httpserver: HTTPServer) -> None:
    for path, target in (("/old", "/feed"), ("/gone", "/maintenance")):
        httpserver.expect_request(path).respond_with_data(
            status=301, headers={"Location": httpserver.url_for(target)}
        )
    httpserver.expect_request("/feed").respond_with_data(FEED)
    httpserver.expect_request("/maintenance").respond_with_data(PAGE)
    old, gone = httpserver.url_for("/old"), httpserver.url_for("/gone")
    found = poll(FeedSource(old), FeedSource(gone))
    moved = {one.url: one.permanent_url for one in found if isinstance(one, FeedPoll)}
    assert moved == {old: httpserver.url_for("/feed"), gone: None}
    assert {one.feed_url for one in found if isinstance(one, RawItem)} == {old}


def test_a_feed_given_twice_is_asked_once(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    url = httpserver.url_for("/feed")
    poll(FeedSource(url), FeedSource(url))
    assert len(httpserver.log) == 1


def test_a_feed_that_moved_keeps_its_name(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/new").respond_with_data(
        FEED.replace("<title>t</title>", "<title>t</title><ttl>90</ttl>"),
        headers={"Cache-Control": "max-age=60"},
    )
    source = FeedSource("https://old.example/feed", address=httpserver.url_for("/new"))
    item, _, state = poll(source)
    assert item.feed_url == state.url == source.url
    assert item.url == httpserver.url_for("/a")
    assert state.wait_hint_s == 90 * 60


def test_a_host_has_one_shard() -> None:
    urls = [f"https://{host}.example/{path}" for host in "abcdefgh" for path in range(3)]
    shards = {url: shard_of(url, 4) for url in urls}
    assert set(shards.values()) <= set(range(4))
    assert len(set(shards.values())) > 1
    for host in "abcdefgh":
        assert len({shard for url, shard in shards.items() if f"//{host}." in url}) == 1


def test_shards_have_as_much_to_do_and_no_host_is_in_two() -> None:
    sources = [FeedSource(f"https://h{n // 2}.example/{n}") for n in range(101)]
    sources += [FeedSource(f"https://big.example/{n}") for n in range(30)]
    sources.append(FeedSource("https://old.example/f", address="https://big.example/f"))
    for shards in (1, 2, 3, 7):
        placed = spread_hosts(sources, shards)
        assert {source for _, source in placed} == set(sources)
        assert len(placed) == len(sources)
        loads = Counter(shard for shard, _ in placed)
        assert set(loads) == set(range(shards))
        assert max(loads.values()) <= max(31, len(sources) / shards + 2)
        places = {(host_of(source.address or source.url), shard) for shard, source in placed}
        assert len(places) == len({host for host, _ in places})


def test_items_bear_one_time_and_polls_their_own(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    later = AT + timedelta(minutes=7)
    sources = [FeedSource(httpserver.url_for("/feed"))]
    found = list(poll_feeds(sources, LOCAL, ReadSettings(), lambda: AT, lambda: later))
    assert {one.fetched_at for one in found if isinstance(one, RawItem)} == {AT}
    assert {one.polled_at for one in found if isinstance(one, FeedPoll)} == {later}


def test_the_poll_says_what_feed_it_was(httpserver: HTTPServer) -> None:
    dates = ("2025-05-30T10:00:00Z", "2025-05-31T10:00:00Z", "2031-01-01T00:00:00Z")
    items = "".join(f"<item><title>{d}</title><pubDate>{d}</pubDate></item>" for d in dates[:2])
    body = f"<rss version='2.0'><channel><title>Own</title><ttl>5</ttl>{items}</channel></rss>"
    httpserver.expect_request("/feed").respond_with_data(body)
    state = poll(FeedSource(httpserver.url_for("/feed")))[-1]
    assert (state.kind, state.title, state.final_url) == ("RSS 2.0", "Own", state.url)
    assert state.newest_at == datetime(2025, 5, 31, 10, tzinfo=UTC)
    assert state.pace == FeedPace(300.0)
    future = body.replace(dates[0], dates[2])
    httpserver.expect_request("/future").respond_with_data(future)
    assert poll(FeedSource(httpserver.url_for("/future")))[-1].newest_at == AT


def test_as_a_step(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    httpserver.expect_request("/page").respond_with_data(PAGE)
    urls = [httpserver.url_for("/feed"), httpserver.url_for("/page")]
    sources = [FeedSource(url) for url in urls]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = pipeline | ReadFeeds(sources, LOCAL, ReadSettings(), AT, shards=3)
        items = outputs.items | "Items" >> beam.Map(lambda one: (one.title, one.fetched_at))
        rejects = outputs.rejects | "Rejects" >> beam.Map(lambda one: one.reason)
        polls = outputs.polls | "Polls" >> beam.Map(lambda one: (one.url, one.reason))
        assert_that(items, equal_to([("A", AT)]), label="items")
        assert_that(rejects, equal_to(["empty_entry", "not_a_feed"]), label="rejects")
        assert_that(polls, equal_to([(urls[0], None), (urls[1], "not_a_feed")]), label="polls")
