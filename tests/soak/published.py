"""The sample feeds as they might have come out: each shows more of its items, round by round."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from pytest_httpserver import HTTPServer

from transforms.feed_parser import parse_feed
from transforms.records import RawItem

FEEDS = Path(__file__).parents[2] / "seeds" / "feeds"
KIND = "application/rss+xml; charset=utf-8"


class Publisher:
    """Serves every sample feed as RSS; nothing at first, everything from the last round on.

    Items without a date are left out: what they are dated by is their arrival, which differs.
    """

    def __init__(self, rounds: int) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
        self._rounds = rounds
        self._feeds = {path.stem: list(_items(path)) for path in sorted(FEEDS.iterdir())}
        self._http = HTTPServer(host="127.0.0.1", port=0)
        self.show(0)

    @property
    def urls(self) -> list[str]:
        """Return the URLs of the feeds."""
        return [self._http.url_for(f"/{name}") for name in self._feeds]

    @property
    def items(self) -> int:
        """Return the number of items of all feeds."""
        return sum(map(len, self._feeds.values()))

    def show(self, number: int) -> None:
        """Show what is out after a round; rounds beyond the last change nothing."""
        share = min(number, self._rounds) / self._rounds
        self._http.clear()
        for name, items in self._feeds.items():
            body = _rss(name, items[: math.ceil(len(items) * share)])
            self._http.expect_request(f"/{name}").respond_with_data(body, content_type=KIND)

    def __enter__(self) -> Publisher:
        self._http.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.stop()


def _items(path: Path) -> Iterator[RawItem]:
    url = f"https://{path.stem}.example/feed"
    for item in parse_feed(path.read_bytes(), url, None, datetime.now(UTC)):
        if isinstance(item, RawItem) and item.published and item.title and item.url:
            yield item


def _rss(name: str, items: list[RawItem]) -> str:
    entries = "".join(
        f"<item><title>{escape(item.title or '')}</title><link>{escape(item.url or '')}</link>"
        f'<guid isPermaLink="false">{escape(item.guid or item.url or "")}</guid>'
        f"<pubDate>{escape(item.published or '')}</pubDate>"
        f"<description>{escape(item.body or item.summary or '')}</description></item>"
        for item in items
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{name}</title>'
        f"<link>https://{name}.example/</link>{entries}</channel></rss>"
    )
