"""What is known of feeds between runs, in SQLite or PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Table,
    create_engine,
    delete,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateColumn, CreateTable

from pipeline.feeds.place import FeedsError
from pipeline.feeds.tables import FACTS, FEEDS, HOSTS, METADATA, SCHEMA_VERSION
from transforms.feed_hints import FeedPace
from transforms.feed_state import FeedState, after_poll, host_pause
from transforms.read_feeds import FeedPoll
from transforms.settings import PollSettings

# PostgreSQL's B-tree refuses keys beyond a third of a page, and no feed's URL is that long.
MAX_URL_BYTES = 2_000
# Below the variables that the oldest SQLite takes in one statement.
CHUNK = 400
WAIT_S = 30  # for another writer
# A server that says nothing more is given up by these; libpq waits for ever by itself.
STATEMENT_S = 120.0
POSTGRES: Mapping[str, int] = {
    "connect_timeout": WAIT_S,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
# What a person says of a feed, which a poll leaves alone.
_STATED = frozenset(("url", "outlet", "tags", "added_at"))
_COLUMNS = tuple(field.name for field in fields(FeedState))
_POLLED = tuple(name for name in _COLUMNS if name not in _STATED)


class FeedStore:
    """The feeds' database. Every method is one transaction and raises FeedsError."""

    def __init__(self, url: str) -> None:
        """Open the database that a SQLAlchemy URL names, and make its tables where there are none.

        Raises FeedsError for a URL, server or schema that can't be used.
        """
        self._url = _checked(url)
        self._engine = _engine(self._url)
        with self._begin() as connection:
            there = set(inspect(connection).get_table_names())
            for table in METADATA.sorted_tables:
                if table.name not in there:
                    connection.execute(CreateTable(table, if_not_exists=True))
            if self._check_version(connection) < SCHEMA_VERSION:
                self._upgrade(connection)

    def load(self, urls: Iterable[str]) -> dict[str, FeedState]:
        """Return what is known of some feeds, by URL."""
        found: dict[str, FeedState] = {}
        with self._begin() as connection:
            for part in _chunks(urls):
                rows = connection.execute(select(FEEDS).where(FEEDS.c.url.in_(part)))
                found.update((row.url, _state(row._mapping)) for row in rows)
        return found

    def registered(self) -> list[FeedState]:
        """Return the feeds that were added, sorted by URL."""
        with self._begin() as connection:
            rows = connection.execute(select(FEEDS).where(FEEDS.c.added_at.is_not(None)))
            return sorted((_state(row._mapping) for row in rows), key=lambda state: state.url)

    def due(self, soon: datetime, now: datetime) -> list[FeedState]:
        """Return the added feeds that are due at `soon`, or were polled after `now`, by URL."""
        is_due = or_(FEEDS.c.next_due.is_(None), FEEDS.c.next_due <= soon)
        query = select(FEEDS).where(
            FEEDS.c.added_at.is_not(None),
            FEEDS.c.retired.is_(None),
            or_(is_due, FEEDS.c.last_polled > now),
        )
        with self._begin() as connection:
            states = [_state(row._mapping) for row in connection.execute(query)]
        return sorted(states, key=lambda state: state.url)

    def next_due(self, after: datetime) -> datetime | None:
        """Return when the first feed falls due that isn't due at `after`; None where none does."""
        query = select(FEEDS.c.next_due).where(FEEDS.c.retired.is_(None), FEEDS.c.next_due > after)
        with self._begin() as connection:
            found: datetime | None = connection.execute(
                query.order_by(FEEDS.c.next_due).limit(1)
            ).scalar()
        return found

    def put(self, states: Iterable[FeedState]) -> None:
        """Write whole states, over what was there."""
        with self._begin() as connection:
            self._upsert(connection, FEEDS, [_row(state) for state in states], _COLUMNS)

    def delete(self, urls: Iterable[str]) -> None:
        """Forget feeds and all that is known of them."""
        with self._begin() as connection:
            for part in _chunks(urls):
                connection.execute(delete(FEEDS).where(FEEDS.c.url.in_(part)))

    def save_polls(self, polls: Iterable[FeedPoll], settings: PollSettings) -> None:
        """Save what polls came to; only after all that they brought is durable in the journal.

        A feed polled twice (a retried bundle) has the later poll count.
        """
        latest = {poll.url: poll for poll in polls if _fits(poll.url)}
        known = self.load(latest)
        states = [
            after_poll(known.get(url, FeedState(url)), poll, settings)
            for url, poll in latest.items()
        ]
        pauses = [pause for poll in latest.values() if (pause := host_pause(poll, settings))]
        with self._begin() as connection:
            self._upsert(connection, FEEDS, [_row(state) for state in states], _POLLED)
            hosts = [{"host": _text(host), "not_before": until} for host, until in sorted(pauses)]
            self._upsert(connection, HOSTS, hosts, ("not_before",))

    def pauses(self, now: datetime) -> dict[str, datetime]:
        """Return the hosts that are to be left alone at `now`, and until when."""
        with self._begin() as connection:
            rows = connection.execute(select(HOSTS).where(HOSTS.c.not_before > now))
            return {row.host: row.not_before for row in rows}

    def adopt(self, store_id: str) -> None:
        """Say which store the validators vouch for.

        Another store's journal doesn't hold what they say is known: they are forgotten then, and
        everything is due.
        """
        with self._begin() as connection:
            query = select(FACTS.c.value).where(FACTS.c.key == "store")
            if connection.execute(query).scalar() == store_id:
                return
            unknown = {"etag": None, "last_modified": None, "next_due": None, "memory": ""}
            connection.execute(update(FEEDS).values(unknown))
            self._upsert(connection, FACTS, [{"key": "store", "value": store_id}], ("value",))

    def _check_version(self, connection: Connection) -> int:
        query = select(FACTS.c.value).where(FACTS.c.key == "schema_version")
        found = connection.execute(query).scalar()
        if found is None:
            self._set_version(connection)
            return SCHEMA_VERSION
        if int(found) > SCHEMA_VERSION:
            raise FeedsError(f"{self._shown}: made by a newer newsalign (schema {found})")
        return int(found)

    def _set_version(self, connection: Connection) -> None:
        row = {"key": "schema_version", "value": str(SCHEMA_VERSION)}
        self._upsert(connection, FACTS, [row], ("value",))

    def _upgrade(self, connection: Connection) -> None:
        """Add the columns that an older version's table lacks."""
        # Whoever comes second waits here, and finds the work done.
        self._set_version(connection)
        there = {column["name"] for column in inspect(connection).get_columns(FEEDS.name)}
        for column in FEEDS.columns:
            if column.name not in there:
                made = CreateColumn(column).compile(dialect=self._engine.dialect)
                connection.execute(text(f"ALTER TABLE {FEEDS.name} ADD COLUMN {made}"))

    def _upsert(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        changed: Iterable[str],
    ) -> None:
        if not rows:
            return
        build = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        insert = build(table)
        keys = [column.name for column in table.primary_key]
        new = {name: insert.excluded[name] for name in changed if name not in keys}
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new), list(rows))

    @property
    def _shown(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":
                    # In the transaction, since poolers refuse it as an option of the connection.
                    limit = f"SET LOCAL statement_timeout = {STATEMENT_S * 1_000:.0f}"
                    connection.execute(text(limit))
                yield connection
        except SQLAlchemyError as error:
            raise FeedsError(f"{self._shown}: {_first_line(error)}") from None


def store_id(folder: Path) -> str:
    """Return the id of the store whose `_state` folder this is; made up once and kept there."""
    path = folder / "store-id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(uuid.uuid4().hex, encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise FeedsError("not a SQLAlchemy URL, such as postgresql://user@host/name") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise FeedsError(f"{parsed.drivername}: only sqlite and postgresql are known")
    if parsed.database in (None, "", ":memory:"):
        raise FeedsError("sqlite: name a file, as in sqlite:///feeds.sqlite")
    return parsed


def _engine(url: URL) -> Engine:
    if url.drivername == "sqlite":
        Path(str(url.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
        return create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_S})
    unsaid = {name: value for name, value in POSTGRES.items() if name not in url.query}
    return create_engine(url, poolclass=NullPool, connect_args=unsaid)


def _row(state: FeedState) -> dict[str, Any]:
    row = {name: _text(getattr(state, name)) for name in _COLUMNS}
    row["tags"] = [_text(tag) for tag in state.tags]
    row["pace"] = asdict(state.pace)
    return row


def _state(row: RowMapping) -> FeedState:
    values = {name: row[name] for name in _COLUMNS}
    pace = values["pace"]
    values["tags"] = tuple(values["tags"])
    values["pace"] = FeedPace(
        pace["interval_s"], tuple(pace["skip_hours"]), tuple(pace["skip_days"])
    )
    return FeedState(**values)


def _text(value: Any) -> Any:
    """Return text without what PostgreSQL or UTF-8 can't hold: NULs and lone surrogates."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _fits(url: str) -> bool:
    return len(url.encode("utf-8", "replace")) <= MAX_URL_BYTES and _text(url) == url


def _chunks(urls: Iterable[str]) -> Iterator[list[str]]:
    wanted = [url for url in dict.fromkeys(urls) if _fits(url)]
    for start in range(0, len(wanted), CHUNK):
        yield wanted[start : start + CHUNK]


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
