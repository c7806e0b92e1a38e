"""`newsalign feeds` as a person and a script use it, against a real server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke
from pytest_httpserver import HTTPServer

LOCAL = ["--set", "network.allow_private=true", "--set", "network.retries=0"]
ITEM = "<item><title>{0}</title><link>/{0}</link><pubDate>{1}</pubDate></item>"
NEW, OLD = "Tue, 24 Nov 2099 10:00:00 GMT", "Mon, 03 Mar 2003 10:00:00 GMT"
RSS = "<rss version='2.0'><channel><title>Own</title>{}</channel></rss>"
NEWS = (
    '<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{}</loc><n:news>'
    "<n:title>A</n:title></n:news></url></urlset>"
)
Feeds = Callable[..., Any]


@pytest.fixture
def feeds(invoke: Invoke, tmp_path: Path) -> Feeds:
    """Run `newsalign feeds …` on one store."""

    def run(command: str, *args: object) -> Any:
        return invoke("feeds", command, *args, "--output", tmp_path / "out")

    return run


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def serve(http: HTTPServer, path: str, body: str | bytes, **options: Any) -> str:
    http.expect_request(path).respond_with_data(body, **options)
    return http.url_for(path)


def test_add_list_remove(feeds: Feeds) -> None:
    done = feeds("add", "feed:a.example/rss#top", "https://b.example/", "-t", "News", "--json")
    assert rows(done) == [
        {"url": "https://a.example/rss", "change": "added"},
        {"url": "https://b.example/", "change": "added"},
    ]
    assert "unchanged  https://b.example/" in feeds("add", "https://b.example/").stdout
    first, _ = rows(feeds("list", "--json"))
    assert (first["url"], first["tags"], first["state"]) == (
        "https://a.example/rss",
        ["News"],
        "new",
    )
    assert "https://b.example/" in feeds("list").stdout
    assert rows(feeds("list", "--json", "--failing")) == []
    assert feeds("remove", "a.example/rss").stdout == "removed 1\n"
    gone = feeds("remove", "a.example/rss")
    assert (gone.exit_code, gone.stderr) == (
        2,
        "newsalign: error: no such feed: https://a.example/rss\n",
    )
    assert [row["url"] for row in rows(feeds("list", "--json"))] == ["https://b.example/"]


@pytest.mark.parametrize("command", ["list", "check", "export"])
def test_without_feeds_there_is_advice_and_no_folder(
    feeds: Feeds, tmp_path: Path, command: str
) -> None:
    done = feeds(command)
    assert done.exit_code == 2
    assert done.stderr.endswith("no feeds yet; newsalign feeds add URL\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "http://", "mailto:a@b.example"])
def test_what_no_feed_can_have_for_a_url_is_refused(feeds: Feeds, url: str) -> None:
    done = feeds("add", url)
    assert done.exit_code == 2
    assert "not a URL that a feed can have" in done.stderr


def test_import_and_export(feeds: Feeds, tmp_path: Path) -> None:
    file, copy = tmp_path / "mine.opml", tmp_path / "copy.opml"
    file.write_text(
        '<opml version="2.0"><body><outline text="News"><outline text="A" '
        'xmlUrl="https://a.example/feed"/></outline><outline xmlUrl="ftp://b.example"/>'
        "</body></opml>"
    )
    done = feeds("import", file, "--tag", "Mine")
    assert done.stdout == "    added  https://a.example/feed\n"
    assert "1 left out; first: ftp://b.example: not a URL" in done.stderr
    (row,) = rows(feeds("list", "--json"))
    assert (row["title"], row["tags"]) == ("A", ["News", "Mine"])
    assert feeds("export", copy).exit_code == 0
    assert feeds("export").stdout.count("https://a.example/feed") == 2
    assert "unchanged" in feeds("import", copy).stdout
    missing = feeds("import", tmp_path / "none.opml")
    assert (missing.exit_code, "can't be read" in missing.stderr) == (2, True)


def test_check_says_what_each_feed_is_and_what_is_wrong(
    feeds: Feeds, httpserver: HTTPServer
) -> None:
    fine = serve(httpserver, "/fine", RSS.format(ITEM.format("a", NEW)))
    stale = serve(
        httpserver,
        "/stale",
        RSS.format(ITEM.format("a", OLD) + "<item><title>b & c</title></item>"),
    )
    page = serve(httpserver, "/page", "<html>Log in</html>")
    lost = serve(httpserver, "/lost", "", status=404)
    feeds("add", fine, stale, page, lost)
    done = feeds("check", "--json", "--quiet", *LOCAL)
    assert done.exit_code == 1
    assert done.stderr == "newsalign: error: 2 of 4 feeds can't be read\n"
    found = {row["url"]: row for row in rows(done)}
    assert (found[fine]["state"], found[fine]["kind"]) == ("ok", "RSS 2.0")
    assert (found[fine]["items"], found[fine]["title"]) == (1, "Own")
    assert found[stale]["state"] == "warning"
    assert found[stale]["newest_at"] == "2003-03-03T10:00:00Z"
    assert found[stale]["problems"] == [
        "not well-formed, read after repair",
        "1 of 2 entries without a date",
        "1 of 2 entries without a link",
        "stale: nothing since 2003-03-03",
    ]
    assert found[page]["problems"] == ["not_a_feed: an HTML page"]
    assert (found[lost]["state"], found[lost]["status"]) == ("broken", 404)
    table = feeds("check", fine, *LOCAL)
    assert (table.exit_code, "RSS 2.0" in table.stdout) == (0, True)
    assert "stage=checking done=0 total=1" in table.stderr
    assert all(row["last_success"] is None for row in rows(feeds("list", "--json")))


def test_discover_takes_the_feeds_that_a_page_links_and_its_news_sitemap(
    feeds: Feeds, httpserver: HTTPServer
) -> None:
    linked = serve(httpserver, "/in/feed", RSS.format(ITEM.format("a", NEW)))
    serve(httpserver, "/in/same", "", status=301, headers={"Location": "/in/feed"})
    serve(httpserver, "/in/page", "<html>Not a feed</html>")
    serve(httpserver, "/rss", RSS.format(ITEM.format("a", NEW)))
    news = serve(httpserver, "/maps/news.xml.gz", gzip.compress(NEWS.format("https://x/").encode()))
    index = serve(
        httpserver,
        "/maps/all.xml",
        f"<sitemapindex><sitemap><loc>{news}</loc></sitemap></sitemapindex>",
    )
    serve(httpserver, "/robots.txt", f"User-agent: *\nAllow: /\nSitemap: {index}\n")
    site = serve(
        httpserver,
        "/",
        "<html><head><base href='/in/'><link rel='alternate' type='application/rss+xml' "
        "href='feed'><LINK REL='feed' HREF='same'><link rel='alternate' "
        "type='application/atom+xml; x' href='page'><link rel='alternate' hreflang='de' "
        "href='/rss'></head></html>",
        content_type="text/html",
    )
    done = feeds("discover", site, "--add", "--json", *LOCAL)
    assert [(row["url"], row["how"], row["kind"], row["items"]) for row in rows(done)] == [
        (linked, "link", "RSS 2.0", 1),
        (news, "sitemap", "news sitemap", 1),
    ]
    assert [row["url"] for row in rows(feeds("list", "--json"))] == [linked, news]


def test_discover_tries_usual_places_where_nothing_is_linked(
    feeds: Feeds, httpserver: HTTPServer
) -> None:
    httpserver.no_handler_status_code = 404
    usual = serve(httpserver, "/rss.xml", RSS.format(ITEM.format("a", NEW)))
    site = serve(httpserver, "/news/today", "<p>hello", content_type="text/html")
    done = feeds("discover", site, *LOCAL)
    assert (done.exit_code, usual in done.stdout, "path" in done.stdout) == (0, True, True)
    (itself,) = rows(feeds("discover", usual, "--json", *LOCAL))
    assert (itself["url"], itself["how"]) == (usual, "itself")


def test_discover_keeps_to_robots_and_says_when_there_is_nothing(
    feeds: Feeds, httpserver: HTTPServer
) -> None:
    httpserver.no_handler_status_code = 404
    serve(httpserver, "/robots.txt", "User-agent: *\nDisallow: /private\n")
    serve(httpserver, "/private", RSS.format(ITEM.format("a", NEW)))
    private = feeds("discover", httpserver.url_for("/private"), *LOCAL)
    assert (private.exit_code, "forbidden by robots.txt" in private.stderr) == (1, True)
    nothing = feeds("discover", serve(httpserver, "/", "<p>hello"), *LOCAL)
    assert (nothing.exit_code, "no feed found" in nothing.stderr) == (1, True)
    closed = feeds("discover", "http://127.0.0.1:9/", *LOCAL)
    assert (closed.exit_code, "connection_error" in closed.stderr) == (1, True)


def test_another_database(feeds: Feeds, tmp_path: Path, postgres_url: str) -> None:
    database = ["--set", f"feeds.database={postgres_url}"]
    url = "https://only-here.example/feed"
    assert feeds("add", url, *database).exit_code == 0
    assert url in [row["url"] for row in rows(feeds("list", "--json", *database))]
    assert url in feeds("export", *database).stdout
    assert feeds("remove", url, *database).stdout == "removed 1\n"
    assert not (tmp_path / "out").exists()


def test_a_database_that_can_t_be_used_is_one_line(feeds: Feeds) -> None:
    done = feeds("list", "--set", "feeds.database='mysql://u:secret@h/d'")
    assert done.exit_code == 2
    assert done.stderr == (
        "newsalign: error: feeds.database: mysql: only sqlite and postgresql are known\n"
    )
