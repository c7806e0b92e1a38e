"""Where the state of feeds is kept. Apart from the rest, since a run without feeds needs no SQL."""

from __future__ import annotations

from pipeline.store.layout import Layout
from transforms.settings import FeedSettings


class FeedsError(Exception):
    """The registry can't be used; its text is one line."""


def database_url(settings: FeedSettings, layout: Layout) -> str:
    """Return the SQLAlchemy URL of the feeds' database: the config's, else a file of the store."""
    return settings.database or f"sqlite:///{layout.feeds}"


def may_hold_feeds(settings: FeedSettings, layout: Layout) -> bool:
    """Say whether there can be feeds to read: a database is named, or the store has its own."""
    return bool(settings.database) or layout.feeds.exists()
