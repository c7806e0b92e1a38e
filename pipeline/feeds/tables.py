"""The tables that hold feeds, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, DateTime, Dialect, Float, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 2


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC; SQLite keeps no zone, so that it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as the database takes it."""
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as it was."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()

# One row a feed that a run has polled or a person has added: the fields of
# `transforms.feed_state.FeedState`. `added_at` is null for feeds that only a config names.
FEEDS = Table(
    "newsalign_feeds",
    METADATA,
    Column("url", Text, primary_key=True),
    Column("outlet", Text),
    Column("tags", JSON, nullable=False),
    Column("title", Text),
    Column("address", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("next_due", UtcTime),
    Column("failures", Float, nullable=False),
    Column("last_polled", UtcTime),
    Column("last_success", UtcTime),
    Column("last_item_at", UtcTime),
    Column("last_status", Integer),
    Column("last_reason", Text),
    Column("moved_to", Text),
    Column("moves", Integer, nullable=False),
    Column("retired", Text),
    Column("pace", JSON, nullable=False),
    Column("added_at", UtcTime),
    Column("memory", Text, nullable=False, server_default=""),  # since version 2
)

# Hosts that asked for a pause (Retry-After), and until when.
HOSTS = Table(
    "newsalign_hosts",
    METADATA,
    Column("host", Text, primary_key=True),
    Column("not_before", UtcTime, nullable=False),
)

# `schema_version`, and `store`: the store whose journal holds what the validators vouch for.
FACTS = Table(
    "newsalign_facts",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
