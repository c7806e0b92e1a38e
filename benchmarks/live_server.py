"""A local server whose feeds grow: the articles of saved feeds are published one by one.

`python -m benchmarks.live_server seeds/feeds --every 60` serves one RSS feed an outlet and prints
their URLs; each `--every` seconds the next article of each feed appears.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from transforms.dates import parse_date
from transforms.feed_parser import parse_feed
from transforms.records import RawItem

SHOWN = 50  # entries that a feed shows at most, as most feeds do


@dataclass(slots=True)
class LiveFeed:
    """A feed that shows its first `count(now)` items, newest first."""

    name: str
    items: Sequence[RawItem]
    started: float
    every_s: float

    def body(self, now: float) -> bytes:
        """Return the feed as it is at a time on the monotonic clock."""
        count = min(len(self.items), 1 + int((now - self.started) / self.every_s))
        entries = "".join(_entry(item) for item in reversed(self.items[:count][-SHOWN:]))
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
            f"<title>{escape(self.name)}</title><link>https://{escape(self.name)}/</link>"
            f"<description>Published live</description>{entries}</channel></rss>"
        ).encode()


class Feed(Protocol):
    """What is served under one path."""

    def body(self, now: float) -> bytes:
        """Return the feed as it is at a time on the monotonic clock."""


@dataclass(slots=True)
class LiveServer:
    """Serves feeds on a free port of this machine until it is closed."""

    feeds: Mapping[str, Feed]
    requests: int = 0
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        live = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                live.requests += 1
                feed = live.feeds.get(urlsplit(self.path).path)
                if feed is None:
                    self.send_error(404)
                    return
                body = feed.body(time.monotonic())
                etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
                if self.headers.get("If-None-Match") == etag:
                    self.send_response(304)
                    self.send_header("ETag", etag)
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", etag)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def urls(self) -> list[str]:
        """Return the feeds' URLs."""
        port = self.server.server_address[1]
        return [f"http://127.0.0.1:{port}{path}" for path in self.feeds]

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()


def read_saved(paths: Sequence[Path]) -> dict[str, list[RawItem]]:
    """Return the items of saved feeds by the feed file's name, oldest first."""
    at = datetime.now(UTC)
    found: dict[str, list[RawItem]] = {}
    for path in paths:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            items = [
                item
                for item in parse_feed(file.read_bytes(), file.name, None, at)
                if isinstance(item, RawItem)
            ]
            if items:
                found[file.stem] = sorted(items, key=lambda item: _published(item, at))
    return found


def serve_saved(paths: Sequence[Path], every_s: float) -> LiveServer:
    """Serve saved feeds live: one more item of each every `every_s` seconds."""
    started = time.monotonic()
    feeds = {
        f"/{name}.xml": LiveFeed(name, items, started, every_s)
        for name, items in read_saved(paths).items()
    }
    return LiveServer(feeds)


def _published(item: RawItem, at: datetime) -> datetime:
    return parse_date(item.published or "", at).value or at


def _entry(item: RawItem) -> str:
    return "<item>" + "".join(_elements(item)) + "</item>"


def _elements(item: RawItem) -> Iterator[str]:
    for name, value in (
        ("title", item.title),
        ("link", item.url),
        ("guid", item.guid),
        ("pubDate", item.published),
        ("author", item.author),
        ("description", item.body or item.summary),
    ):
        if value:
            yield f"<{name}>{escape(value)}</{name}>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="saved feeds, or folders of them")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two articles")
    arguments = parser.parse_args()
    server = serve_saved(arguments.paths, arguments.every)
    print("\n".join(server.urls), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
