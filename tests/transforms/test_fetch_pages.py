import time
from dataclasses import replace
from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from transforms.clean import clean_item
from transforms.fetch import FetchRequest, fetch_all
from transforms.fetch_pages import FetchPages, fetch_pages, slim_html, wants_page
from transforms.records import Article, RawItem
from transforms.robots import through_robots
from transforms.settings import CleanSettings, NetworkSettings

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
LOCAL = NetworkSettings(
    allow_private=True, retries=0, timeout_s=2, total_timeout_s=4, user_agent="newsalign/0.1"
)
TEXT = (
    "Valdoria said on Monday that it would sign the harbour treaty with Torrin after nine weeks "
    "of talks. "
)
PAGE = (
    "<html lang='en'><head><title>Pact</title><script>var x = '<p>';</script>"
    '<script type=\'application/ld+json\'>{"@type": "NewsArticle", '
    '"datePublished": "2025-05-11T08:30:00Z"}</script><style>p {}</style></head>'
    f"<body><article><h1>Pact</h1><p>{TEXT}</p><p>The foreign minister of Torrin welcomed the "
    "decision and thanked the mediators.</p></article></body></html>"
)


def teaser(url: str | None) -> RawItem:
    return RawItem(
        origin="feed#1",
        fetched_at=AT,
        feed_url="https://daily.example.net/feed",
        url=url,
        title="Pact",
        summary="Valdoria to sign. Read more »",
    )


@pytest.fixture
def site(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/robots.txt").respond_with_data(status=404)
    httpserver.expect_request("/pact").respond_with_data(PAGE, content_type="text/html")
    return httpserver


def one(item: RawItem) -> RawItem:
    (found,) = fetch_pages([item], LOCAL)
    return found


def test_only_teasers_of_feeds_want_their_page() -> None:
    item = teaser("https://daily.example.net/pact")
    assert wants_page(item)
    assert wants_page(replace(item, summary=None))
    assert not wants_page(replace(item, body=TEXT * 10))
    assert not wants_page(replace(item, summary=f"<p>{TEXT * 10}</p>"))
    assert not wants_page(replace(item, url=None))
    assert not wants_page(replace(item, is_page=True))
    assert not wants_page(replace(item, feed_url=None))
    assert not wants_page(replace(item, flags=("url_shared",)))


def test_a_teaser_gets_its_page(site: HTTPServer) -> None:
    site.expect_request("/r").respond_with_data(
        status=302, headers={"Location": site.url_for("/pact")}
    )
    found = one(teaser(site.url_for("/r")))
    assert (found.is_page, found.url) == (True, site.url_for("/pact"))
    article = clean_item(found, CleanSettings())
    assert isinstance(article, Article)
    assert article.text_source == "page"
    assert article.text.startswith(TEXT.strip())
    assert article.published_at == datetime(2025, 5, 11, 8, 30, tzinfo=UTC)
    assert article.published_at_source == "page"


def test_a_page_that_can_t_be_had_leaves_the_teaser(site: HTTPServer) -> None:
    site.expect_request("/pdf").respond_with_data(b"%PDF-", content_type="application/pdf")
    site.expect_request("/moved").respond_with_data(
        status=302, headers={"Location": site.url_for("/")}
    )
    site.expect_request("/").respond_with_data(PAGE, content_type="text/html")
    reasons = {"/pdf": "page_not_html", "/moved": "page_front_page", "/gone": "page_http_500"}
    for path, flag in reasons.items():
        item = teaser(site.url_for(path))
        assert one(item) == replace(item, flags=(flag,))


def test_what_robots_txt_forbids_isn_t_fetched(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(
        "User-agent: newsalign\nDisallow: /private\n\nUser-agent: *\nDisallow: /"
    )
    httpserver.expect_request("/open").respond_with_data(PAGE, content_type="text/html")
    urls = [httpserver.url_for(path) for path in ("/private/a", "/open", "/private/b")]
    found = {item.url: item for item in fetch_pages([teaser(url) for url in urls], LOCAL)}
    assert found[urls[0]].flags == found[urls[2]].flags == ("page_robots",)
    assert found[urls[1]].is_page
    assert sorted(request.path for request, _ in httpserver.log) == ["/open", "/robots.txt"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_robots_txt_that_can_t_be_had_forbids_everything(
    httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(status=status)
    assert one(teaser(httpserver.url_for("/a"))).flags == ("page_robots",)


def test_a_crawl_delay_is_kept(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(
        "User-agent: *\nCrawl-delay: 0.2\nDisallow:"
    )
    httpserver.expect_request("/a").respond_with_data(PAGE, content_type="text/html")
    urls = [httpserver.url_for(f"/a?{n}") for n in range(4)]
    started = time.monotonic()
    assert all(item.is_page for item in fetch_pages(map(teaser, urls), LOCAL))
    # A lower bound, which no load on the machine can break.
    assert time.monotonic() - started >= 3 * 0.2


def test_a_delay_that_leaves_no_time_for_all_pages_leaves_some_out(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.robots.MAX_PACED_S", 0.5)
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nCrawl-delay: 0.2")
    httpserver.expect_request("/a").respond_with_data(PAGE, content_type="text/html")
    items = [teaser(httpserver.url_for(f"/a?{n}")) for n in range(6)]
    flags = [one.flags for one in fetch_pages(items, LOCAL)]
    assert flags.count(("page_robots",)) == 3
    assert sum(request.path == "/a" for request, _ in httpserver.log) == 3


def test_a_redirect_asks_the_robots_txt_of_where_it_leads(httpserver: HTTPServer) -> None:
    elsewhere = httpserver.url_for("/").replace("localhost", "127.0.0.1").rstrip("/")
    home = httpserver.url_for("/").rstrip("/")

    def robots(request: Request) -> Response:
        rules = {"127.0.0.1": "Disallow: /closed", "localhost": "Disallow: /members"}
        return Response(f"User-agent: *\n{rules[request.host.partition(':')[0]]}")

    httpserver.expect_request("/robots.txt").respond_with_handler(robots)
    moves = {
        "/to-open": f"{elsewhere}/open",
        "/to-closed": f"{elsewhere}/closed/a",
        "/by-way-of": f"{elsewhere}/open-way",
        "/open-way": f"{home}/members/a",
        "/to-members": "/members/b",
    }
    for path, target in moves.items():
        httpserver.expect_request(path).respond_with_data(status=302, headers={"Location": target})
    httpserver.expect_request("/open").respond_with_data(PAGE, content_type="text/html")
    paths = ("/to-open", "/to-closed", "/by-way-of", "/to-members")
    found = fetch_pages([teaser(home + path) for path in paths], LOCAL)
    flags = {item.origin + (item.url or ""): item.flags for item in found}
    assert flags == {
        f"feed#1{elsewhere}/open": (),
        f"feed#1{home}/to-closed": ("page_robots",),
        f"feed#1{home}/by-way-of": ("page_robots",),
        f"feed#1{home}/to-members": ("page_robots",),
    }
    asked = [request.path for request, _ in httpserver.log]
    assert not [path for path in asked if path.startswith(("/closed", "/members"))]
    assert asked.count("/robots.txt") == 2


def test_robots_txt_itself_is_never_forbidden(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /")
    request = FetchRequest(httpserver.url_for("/robots.txt"))
    (found,) = fetch_all([request], LOCAL, through_robots("newsalign/0.1"))
    assert found.reason is None


def test_items_that_share_a_link_share_its_fetch(site: HTTPServer) -> None:
    item = teaser(site.url_for("/pact"))
    found = list(fetch_pages([item, replace(item, origin="other#1")], LOCAL))
    assert [one.is_page for one in found] == [True, True]
    assert [request.path for request, _ in site.log] == ["/robots.txt", "/pact"]


def test_ballast_goes_and_linked_data_stays() -> None:
    slim = slim_html(PAGE + "<svg><path d='x'/></svg><!-- c --><img src='data:image/png;base64,"
                     + "A" * 500 + "'>")  # fmt: skip
    assert "var x" not in slim
    assert "NewsArticle" in slim
    assert TEXT in slim
    assert all(gone not in slim for gone in ("<style", "<svg", "<!--", "AAAA"))


def test_as_a_step(site: HTTPServer) -> None:
    items = [teaser(site.url_for("/pact")), teaser(None)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | beam.Create(items) | FetchPages(LOCAL, shards=2)
        assert_that(found | beam.Map(lambda item: item.is_page), equal_to([True, False]))
