from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.feed_parser import parse_feed
from transforms.json_feed import FeedHead
from transforms.news_sitemap import read_news_sitemap, sitemap_links
from transforms.records import RawItem, Reject

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
URL = "https://daily.example.org/news-sitemap.xml"
OPEN = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
)
NEWS = (
    "<url><loc> https://daily.example.org/a </loc><lastmod>2025-06-01T10:00:00Z</lastmod><n:news>"
    "<n:publication><n:name>The Daily</n:name><n:language>en</n:language></n:publication>"
    "<n:publication_date>2025-06-01T09:00:00Z</n:publication_date>"
    "<n:title>Bread &amp; butter</n:title></n:news></url>"
)
PAGE = "<url><loc>https://daily.example.org/about</loc></url>"


def read(text: str) -> tuple[list[RawItem], list[Reject], list[FeedHead]]:
    heads: list[FeedHead] = []
    found = list(parse_feed(text.encode(), URL, "application/xml", AT, on_head=heads.append))
    items = [one for one in found if isinstance(one, RawItem)]
    return items, [one for one in found if isinstance(one, Reject)], heads


def test_news_are_items_with_their_page_and_other_pages_are_none() -> None:
    (item,), rejects, (head,) = read(f"{OPEN}{NEWS}{PAGE}</urlset>")
    assert rejects == []
    assert (head.kind, head.title) == ("news sitemap", "The Daily")
    assert (item.title, item.url) == ("Bread & butter", "https://daily.example.org/a")
    assert (item.published, item.modified) == ("2025-06-01T09:00:00Z", "2025-06-01T10:00:00Z")
    assert (item.language, item.body, item.feed_url) == ("en", None, URL)


def test_a_cut_sitemap_gives_what_is_whole() -> None:
    items, _, _ = read(f"{OPEN}{NEWS}<url><loc>https://daily.example.org/b</loc><n:ne")
    assert [item.title for item in items] == ["Bread & butter"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"{OPEN}{PAGE}</urlset>", "a sitemap without news"),
        (f"{OPEN}</urlset>", "a sitemap without news"),
        ("<sitemapindex><sitemap><loc>x</loc></sitemap></sitemapindex>", "an index of sitemaps"),
    ],
)
def test_other_sitemaps_are_no_feeds(text: str, detail: str) -> None:
    items, (reject,), heads = read(text)
    assert (items, heads, reject.reason) == ([], [], "not_a_feed")
    assert reject.detail.startswith(detail)


def test_an_index_names_its_sitemaps() -> None:
    index = (
        b"<sitemapindex><sitemap><loc>https://a.example/news.xml</loc></sitemap><sitemap/>"
        b"<sitemap><loc> https://a.example/2.xml.gz </loc></sitemap></sitemapindex>"
    )
    assert sitemap_links(index) == ["https://a.example/news.xml", "https://a.example/2.xml.gz"]
    assert sitemap_links(b"<html/>") == sitemap_links(b"") == []


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_anything_is_read_without_a_crash(body: bytes) -> None:
    _, entries = read_news_sitemap(OPEN.encode() + NEWS.encode() + body)
    assert all(entry.url for entry in entries)
    sitemap_links(body)
