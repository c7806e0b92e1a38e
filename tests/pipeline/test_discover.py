"""Links to feeds in pages of all sorts; test_feeds_command.py finds them over HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.feeds.discover import MAX_LINKS, linked_feeds
from transforms.fetch import FetchResult

URL = "https://daily.example.org/news/today"
LINK = '<link rel="{}" type="{}" href="{}">'
RSS = "application/rss+xml"


def links(body: str | bytes, **changes: str) -> list[str]:
    data = body if isinstance(body, bytes) else body.encode()
    return linked_feeds(FetchResult(URL, URL, 200, data, "text/html; charset=utf-8", **changes))


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        (LINK.format("alternate", RSS, "/feed"), ["https://daily.example.org/feed"]),
        (LINK.format("alternate home", RSS, "rss"), ["https://daily.example.org/news/rss"]),
        (LINK.format("alternate", "application/feed+json; x=1", "//o.example/f"), ["https://o.example/f"]),
        (LINK.format("feed", "", "https://o.example/f#x"), ["https://o.example/f#x"]),
        (LINK.format("alternate", "application/json+oembed", "/o"), []),
        (LINK.format("alternate", "text/html", "/de"), []),
        (LINK.format("stylesheet", RSS, "/s"), []),
        (LINK.format("alternate", RSS, "javascript:void(0)"), []),
        (LINK.format("alternate", RSS, ""), []),
        ("<base href='/in/'>" + LINK.format("alternate", RSS, "f"), ["https://daily.example.org/in/f"]),
        (LINK.format("alternate", RSS, "/a") * 3, ["https://daily.example.org/a"]),
        ("<link rel=alternate type=application/atom+xml href=/a><p", ["https://daily.example.org/a"]),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_page_links_as_a_feed(markup: str, found: list[str]) -> None:
    assert links(f"<html><head>{markup}") == found


def test_a_page_that_could_not_be_had_links_nothing() -> None:
    assert links(LINK.format("alternate", RSS, "/feed"), reason="http_404") == []


def test_a_page_can_t_send_us_everywhere() -> None:
    many = "".join(LINK.format("alternate", RSS, f"/{n}") for n in range(1_000))
    assert len(links(many)) == MAX_LINKS


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=60))
def test_anything_is_read(body: bytes, href: str) -> None:
    markup = LINK.format("alternate", RSS, href).encode("utf-8", "replace")
    assert all(url.startswith("http") for url in links(body + markup + body))
