"""A server whose feeds go on: `python live_news.py LOG --seconds 3600 --rate 20 --feeds 20`.

Prints the feeds' URLs; each has one item at first, and more from the first request on. Some
articles come late (dated days back), some again: the same item in another feed or under another
guid, or its text as another outlet's. LOG gets a JSON line for each item as it appears: `url`,
`kind`, `at` (the machine's monotonic clock, seconds); and `{"missed": url}` for one that left its
feed before anyone asked. SIGUSR1 makes every feed show all that it ever showed. Ends when it is
terminated.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.articles import make_articles
from benchmarks.live_server import LiveServer

SHOWN = 60
LATE, AGAIN = 0.03, 0.05  # shares of what is published
LATE_DAYS = 10
COPIED_FROM = 400  # the latest articles, one of which comes again
FRESH, LATE_KIND, SAME, OTHER_GUID, WIRE = "fresh", "late", "same", "other_guid", "wire"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed."""

    kind: str
    feed: int
    url: str
    guid: str
    title: str
    text: str
    published: datetime

    def xml(self) -> str:
        """Return it as an element of RSS."""
        return (
            f"<item><title>{escape(self.title)}</title><link>{escape(self.url)}</link>"
            f'<guid isPermaLink="false">{escape(self.guid)}</guid>'
            f"<pubDate>{format_datetime(self.published)}</pubDate>"
            f"<description>{escape(self.text)}</description></item>"
        )


@dataclass
class GrowingFeed:
    """The latest items of one feed, newest first; all of them once `whole` is set."""

    number: int
    shown: deque[tuple[Item, str]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    everything: list[str] = field(default_factory=list)
    unasked: set[str] = field(default_factory=set)
    whole: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, item: Item) -> str | None:
        """Show an item; returns the URL of one that has gone without being asked for."""
        with self.lock:
            gone = self.shown[-1][0] if len(self.shown) == SHOWN else None
            self.shown.appendleft((item, item.xml()))
            self.everything.append(self.shown[0][1])
            lost = gone is not None and gone.guid in self.unasked
            self.unasked.add(item.guid)
            return gone.url if gone is not None and lost else None

    def body(self, _now: float) -> bytes:
        """Return the feed as it is now."""
        with self.lock:
            self.unasked.clear()
            entries = "".join(
                reversed(self.everything) if self.whole else (text for _, text in self.shown)
            )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
            f"<title>Live {self.number}</title><link>https://live{self.number}.example/</link>"
            f"<description>News without end</description>{entries}</channel></rss>"
        ).encode()


class Newsroom:
    """What is published: `item(n)` is the n-th item, the same for one seed but for its time."""

    def __init__(self, feeds: int, seed: int, words: int) -> None:
        self._feeds = feeds
        self._seed = seed
        self._words = words
        self._recent: deque[Item] = deque(maxlen=COPIED_FROM)

    def item(self, number: int, now: datetime) -> Item:
        """Return an item that appears now."""
        chance = random.Random(f"{self._seed}-{number}")
        kind = chance.random()
        # The first of each feed is its own, so that none is empty.
        if kind < AGAIN and number >= self._feeds:
            return self._again(chance, number, now)
        (row,) = make_articles(1, self._words, seed=self._seed * 10_000_000 + number)
        late = kind > 1 - LATE
        back = timedelta(days=chance.uniform(1, LATE_DAYS)) if late else timedelta()
        item = Item(
            kind=LATE_KIND if late else FRESH,
            feed=number % self._feeds,
            url=f"https://live{number % self._feeds}.example/{number}",
            guid=f"live-{number}",
            title=row["title"],
            text=row["text"],
            published=(now - back).replace(microsecond=0),
        )
        self._recent.append(item)
        return item

    def _again(self, chance: random.Random, number: int, now: datetime) -> Item:
        first = chance.choice(self._recent)
        other = (first.feed + chance.randrange(1, max(2, self._feeds))) % self._feeds
        kind = chance.choice((SAME, OTHER_GUID, WIRE))
        if kind == SAME:
            return replace(first, kind=kind, feed=other)
        if kind == OTHER_GUID:
            return replace(first, kind=kind, guid=f"live-{number}")
        return replace(
            first,
            kind=kind,
            feed=other,
            url=f"https://live{other}.example/{number}",
            guid=f"live-{number}",
            title=f"From our wire: {first.title}",
            published=max(first.published, now.replace(microsecond=0)),
        )


class Publisher:
    """Publishes into feeds and writes it down."""

    def __init__(self, feeds: Sequence[GrowingFeed], newsroom: Newsroom, log: Path) -> None:
        self._feeds = feeds
        self._newsroom = newsroom
        self._log = log.open("w", encoding="utf-8", buffering=1)
        # A feed without items would be rejected.
        self._first = [self._show(number) for number in range(len(feeds))]
        self._number = len(feeds)

    def publish(self, rate: float, seconds: float) -> None:
        """Publish for so many seconds."""
        started = time.monotonic() - self._number / rate
        for item in self._first:
            self._note(item)
        while (passed := time.monotonic() - started) < seconds:
            while self._number < passed * rate:
                self._note(self._show(self._number))
                self._number += 1
            time.sleep(0.05)
        self._write(end=self._number)

    def _show(self, number: int) -> Item:
        item = self._newsroom.item(number, datetime.now(UTC))
        gone = self._feeds[item.feed].add(item)
        if gone:
            self._write(missed=gone)
        return item

    def _note(self, item: Item) -> None:
        self._write(url=item.url, kind=item.kind, at=time.monotonic())

    def _write(self, **values: object) -> None:
        self._log.write(json.dumps(values) + "\n")


def main(arguments: list[str]) -> None:
    """Serve and publish until terminated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--seconds", type=float, default=3_600.0)
    parser.add_argument("--rate", type=float, default=20.0, help="items a second, in all")
    parser.add_argument("--feeds", type=int, default=20)
    parser.add_argument("--words", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    feeds = [GrowingFeed(number) for number in range(options.feeds)]
    newsroom = Newsroom(options.feeds, options.seed, options.words)
    publisher = Publisher(feeds, newsroom, options.log)
    server = LiveServer({f"/live{feed.number}.xml": feed for feed in feeds})

    def show_all(_signal: int, _frame: object) -> None:
        for feed in feeds:
            feed.whole = True

    signal.signal(signal.SIGUSR1, show_all)
    print("\n".join(server.urls), flush=True)
    while not server.requests:
        time.sleep(0.05)
    publisher.publish(options.rate, options.seconds)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
