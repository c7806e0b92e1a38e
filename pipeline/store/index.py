"""The disk index in one SQLite file: identities, stories, edges, LSH bands, files' checksums.

It answers the steps' questions (`transforms.store_view.StoreView`) without reading Parquet and can
be rebuilt from it. Workers open it read-only; only a commit writes, in one transaction.

Band hashes are spread evenly: a table in their order would be read and written everywhere by each
batch, ever more of it as the archive grows. They are kept by span of publication time first, so a
batch reads and writes the spans that its articles were published in, however long the history is.
Within a band they come in order of publication and id: what a crowded band answers must not hang on
who arrived first.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from transforms.store_view import Edge, StoredArticle

SCHEMA = """
CREATE TABLE IF NOT EXISTS articles (
  number INTEGER PRIMARY KEY, article_id TEXT NOT NULL UNIQUE, story_id TEXT NOT NULL,
  published_at TEXT NOT NULL, facts TEXT NOT NULL, bands BLOB);
CREATE INDEX IF NOT EXISTS articles_by_story ON articles (story_id);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, article_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bands (
  span INTEGER NOT NULL, band INTEGER NOT NULL, place INTEGER NOT NULL, article INTEGER NOT NULL,
  PRIMARY KEY (span, band, place, article)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edges (
  a TEXT NOT NULL, b TEXT NOT NULL, similarity REAL NOT NULL, method TEXT NOT NULL,
  PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS edges_by_b ON edges (b);
CREATE TABLE IF NOT EXISTS aliases (alias TEXT PRIMARY KEY, story_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS aliases_by_story ON aliases (story_id);
CREATE TABLE IF NOT EXISTS rejects (reject_id TEXT PRIMARY KEY, day TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (batch_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""
# Raised when a table changes; an index of another format is made anew from the Parquet.
FORMAT = 4
CHUNK = 400  # twice this stays below SQLite's oldest limit of 999 variables in one statement
CACHE_KIB = 262_144  # a commit's pages, or they are written and read again; used as needed
MAP_BYTES = 1 << 30  # of the file, mapped for reading
SPAN_DAYS = 16  # of publication time: a day and the usual horizon around it touch two spans
ID_BITS = 32  # of an article's id, in what orders articles published at once
MAX_PLACE = (1 << 63) - 1
# Of a crowded band so many of each span come back: the first and the last of the time asked for.
BAND_MEMBERS = 32


@dataclass(slots=True)
class IndexChanges:
    """What one batch changes in the index; plain data, so that an intent can carry it.

    `articles` are StoredArticle fields as JSON values; `bands` is by article id and holds only
    articles whose text is new, each among `articles`; `rejects` maps a reject's id to its
    partition's date. `before` is a UTC date: all that was published earlier leaves the index, but
    for aliases, which stay for ever.
    """

    articles: list[dict[str, Any]] = field(default_factory=list)
    bands: dict[str, list[int]] = field(default_factory=dict)
    edges: list[tuple[str, str, float, str]] = field(default_factory=list)
    dropped_edges: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    dropped_aliases: list[str] = field(default_factory=list)
    rejects: dict[str, str] = field(default_factory=dict)
    dropped_rejects: list[str] = field(default_factory=list)
    before: str = ""


def open_index(path: Path) -> sqlite3.Connection:
    """Open the index for writing, making it where there is none.

    One of another format gives way to an empty one, which the next start fills from the Parquet:
    a commit that an earlier version began can be finished.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60.0)
    try:
        found = _format(connection)
        if found not in (None, FORMAT):
            connection.close()
            drop_index(path)
            connection, found = sqlite3.connect(path, timeout=60.0), None
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if found is None:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _format(db: sqlite3.Connection) -> int | None:
    """Return the format of an index, None for an empty one."""
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def drop_index(path: Path) -> None:
    """Remove an index; whoever needs it next makes it anew from the Parquet."""
    path.unlink(missing_ok=True)
    # What a killed writer left to roll back would be rolled into the next index of this name.
    path.with_name(path.name + "-journal").unlink(missing_ok=True)


def encode_article(article: StoredArticle) -> dict[str, Any]:
    """Return an article's facts as JSON values."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(article).items()
    }


def decode_article(facts: Mapping[str, Any]) -> StoredArticle:
    """Return the article of its JSON facts."""
    values: dict[str, Any] = dict(facts)
    for name in ("published_at", "first_seen_at", "version_at"):
        values[name] = datetime.fromisoformat(values[name])
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return StoredArticle(**values)


def apply_changes(path: Path, batch_id: str, changes: IndexChanges) -> None:
    """Apply a batch's changes in one transaction; a batch that was applied is left alone."""
    with closing(open_index(path)) as db, db:
        write_changes(db, batch_id, changes)


def write_changes(db: sqlite3.Connection, batch_id: str, changes: IndexChanges) -> None:
    """Write a batch's changes to an open index; a batch that was applied is left alone."""
    if db.execute("SELECT 1 FROM batches WHERE batch_id = ?", (batch_id,)).fetchone():
        return
    # Only the commit that was begun last can be begun again.
    db.execute("DELETE FROM batches")
    db.execute("INSERT INTO batches VALUES (?)", (batch_id,))
    if changes.before:
        _drop_before(db, changes.before)
    ends = [(end,) for end in changes.dropped_edges]
    db.executemany("DELETE FROM edges WHERE a = ?", ends)
    db.executemany("DELETE FROM edges WHERE b = ?", ends)
    db.executemany("INSERT OR REPLACE INTO edges VALUES (?, ?, ?, ?)", changes.edges)
    db.executemany(
        "INSERT INTO articles (article_id, story_id, published_at, facts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (article_id) DO UPDATE SET story_id = excluded.story_id,"
        " published_at = excluded.published_at, facts = excluded.facts",
        [
            (a["article_id"], a["story_id"], a["published_at"], json.dumps(a))
            for a in changes.articles
        ],
    )
    keys = [(key, a["article_id"]) for a in changes.articles for key in a["identity_keys"]]
    # In the table's order, so that a page is written once; of one key's the first stays first.
    keys.sort(key=lambda pair: pair[0])
    db.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", keys)
    _replace_bands(db, changes.bands)
    db.executemany(
        "DELETE FROM rejects WHERE reject_id = ?", [(r,) for r in changes.dropped_rejects]
    )
    db.executemany("DELETE FROM aliases WHERE alias = ?", [(a,) for a in changes.dropped_aliases])
    db.executemany("INSERT OR REPLACE INTO aliases VALUES (?, ?)", changes.aliases.items())
    db.executemany("INSERT OR IGNORE INTO rejects VALUES (?, ?)", changes.rejects.items())


def _drop_before(db: sqlite3.Connection, day: str) -> None:
    old = "(SELECT article_id FROM articles WHERE date(published_at) < ?)"
    for table, column in (("edges", "a"), ("edges", "b"), ("keys", "article_id")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN {old}", (day,))
    last = span_of(datetime.fromisoformat(day))
    numbers = "(SELECT number FROM articles WHERE date(published_at) < ?)"
    db.execute(f"DELETE FROM bands WHERE span <= ? AND article IN {numbers}", (last, day))
    db.execute("DELETE FROM articles WHERE date(published_at) < ?", (day,))
    db.execute("DELETE FROM rejects WHERE day < ?", (day,))


def _replace_bands(db: sqlite3.Connection, bands: Mapping[str, Sequence[int]]) -> None:
    """Put the articles' band hashes in the place of those that they had."""
    gone: list[tuple[int, int, int, int]] = []
    fresh: list[tuple[int, int, int, int]] = []
    kept: list[tuple[bytes, int]] = []
    sql = "SELECT number, article_id, published_at, bands FROM articles WHERE article_id IN ({})"
    for number, article, published, old in select(db, sql, bands):
        moment = _utc(published)
        span, place = span_of(moment), place_of(moment, article)
        if old is not None:
            gone += [(span, band, place, number) for band in array("q", old)]
        fresh += [(span, band, place, number) for band in bands[article]]
        kept.append((array("q", bands[article]).tobytes(), number))
    # In the table's order, so that a page is written once.
    where = "span = ? AND band = ? AND place = ? AND article = ?"
    db.executemany(f"DELETE FROM bands WHERE {where}", sorted(gone))
    db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?, ?, ?)", sorted(fresh))
    db.executemany("UPDATE articles SET bands = ? WHERE number = ?", kept)


def span_of(moment: datetime) -> int:
    """Return the number of the span of publication time that a UTC moment lies in."""
    return moment.toordinal() // SPAN_DAYS


def place_of(moment: datetime, article_id: str) -> int:
    """Return what orders a span's articles by their UTC moment of publication, to the millisecond,
    and then by id.
    """
    return _milliseconds(moment) << ID_BITS | crc32(article_id.encode())


def _milliseconds(moment: datetime) -> int:
    """Return how far into its span a UTC moment lies."""
    days = moment.toordinal() % SPAN_DAYS
    seconds = ((days * 24 + moment.hour) * 60 + moment.minute) * 60 + moment.second
    return seconds * 1000 + moment.microsecond // 1000


def select(db: sqlite3.Connection, sql: str, values: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    """Run `sql` with {} as a list of values, in chunks; `values` are sorted first."""
    ordered = sorted(values)
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        marks = ",".join("?" * len(chunk))
        yield from db.execute(sql.replace("{}", marks), chunk * sql.count("{}"))


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)


# Few of the bands that are asked for are known: those that aren't cost one look each.
_KNOWN_BANDS = (
    "SELECT value, EXISTS (SELECT 1 FROM bands"
    " WHERE span = ?1 AND band = asked.value AND place BETWEEN ?3 AND ?4"
    " ORDER BY place LIMIT 1 OFFSET ?5)"
    " FROM json_each(?2) AS asked WHERE EXISTS"
    " (SELECT 1 FROM bands"
    " WHERE span = ?1 AND band = asked.value AND place BETWEEN ?3 AND ?4)"
)
_MEMBERS = (
    "SELECT band, article FROM json_each(?) AS asked"
    " CROSS JOIN bands ON bands.span = ? AND bands.band = asked.value"
    " AND bands.place BETWEEN ? AND ?"
)


class IndexView:
    """A read-only view of an index file; pickles as its path and opens where it is used."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._open: sqlite3.Connection | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_open": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._path = state["_path"]
        self._open = None

    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            if Path(self._path).exists():
                self._open = sqlite3.connect(
                    f"file:{self._path}?mode=ro", uri=True, timeout=60.0, check_same_thread=False
                )
                self._open.execute(f"PRAGMA mmap_size = {MAP_BYTES}")
            else:
                self._open = sqlite3.connect(":memory:", check_same_thread=False)
                self._open.executescript(SCHEMA)
        return self._open

    def _select(self, sql: str, values: Collection[Any]) -> Iterator[tuple[Any, ...]]:
        return select(self._db(), sql, values)

    def by_keys(self, keys: Collection[str]) -> Mapping[str, str]:
        return dict(self._select("SELECT key, article_id FROM keys WHERE key IN ({})", keys))

    def articles(self, ids: Collection[str]) -> Mapping[str, StoredArticle]:
        rows = self._select("SELECT article_id, facts FROM articles WHERE article_id IN ({})", ids)
        return {article_id: decode_article(json.loads(facts)) for article_id, facts in rows}

    def members(self, stories: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        sql = "SELECT story_id, article_id FROM articles WHERE story_id IN ({})"
        for story, article in self._select(sql, stories):
            found.setdefault(story, []).append(article)
        return {story: tuple(sorted(members)) for story, members in found.items()}

    def codings(self, stories: Collection[str]) -> Iterable[tuple[str, str, str]]:
        """Yield (story id, date of its partition, coding version) of the stories' articles."""
        sql = (
            "SELECT story_id, date(published_at), json_extract(facts, '$.coding_version')"
            " FROM articles WHERE story_id IN ({})"
        )
        yield from self._select(sql, stories)

    def edges(self, ids: Collection[str]) -> Iterable[Edge]:
        wanted = set(ids)
        sql = "SELECT a, b, similarity, method FROM edges WHERE a IN ({})"
        return [Edge(*row) for row in self._select(sql, wanted) if row[1] in wanted]

    def aliases(self, stories: Collection[str]) -> Mapping[str, str]:
        sql = "SELECT alias, story_id FROM aliases WHERE alias IN ({}) OR story_id IN ({})"
        return dict(self._select(sql, stories))

    def band_members(
        self, bands: Collection[int], since: datetime, until: datetime
    ) -> Iterator[tuple[int, str, datetime]]:
        """Yield (band, article id, published_at) of the stored articles that share a band.

        They were published from `since` to `until`. Of a crowded band a fixed number comes back,
        so that no question costs more than its number of bands.
        """
        asked = json.dumps(sorted(set(bands)))
        found: list[tuple[int, int]] = []
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        first, last = span_of(since), span_of(until)
        for span in range(first, last + 1):
            # Whole milliseconds, of which the last comes in whole.
            start = _milliseconds(since) << ID_BITS if span == first else 0
            end = ((_milliseconds(until) + 1) << ID_BITS) - 1 if span == last else MAX_PLACE
            limits = (span, asked, start, end, BAND_MEMBERS - 1)
            known = self._db().execute(_KNOWN_BANDS, limits).fetchall()
            few = json.dumps([band for band, crowded in known if not crowded])
            found += self._db().execute(_MEMBERS, (few, span, start, end)).fetchall()
            for band in (band for band, crowded in known if crowded):
                ends = self._first_and_last(span, band, start, end)
                found += [(band, article) for article in ends]
        sql = "SELECT number, article_id, published_at FROM articles WHERE number IN ({})"
        articles = {
            number: (article, datetime.fromisoformat(published))
            for number, article, published in self._select(sql, {number for _, number in found})
        }
        for band, number in found:
            article, published = articles[number]
            if since <= published <= until:
                yield band, article, published

    def _first_and_last(self, span: int, band: int, start: int, end: int) -> list[int]:
        sql = (
            "SELECT article FROM bands WHERE span = ? AND band = ? AND place BETWEEN ? AND ?"
            " ORDER BY place {0}, article {0} LIMIT ?"
        )
        asked = (span, band, start, end)
        rows = self._db().execute(sql.format("ASC"), (*asked, BAND_MEMBERS)).fetchall()
        if len(rows) == BAND_MEMBERS:
            half = BAND_MEMBERS // 2
            last = self._db().execute(sql.format("DESC"), (*asked, half)).fetchall()
            rows = [*rows[:half], *reversed(last)]
        return list(dict.fromkeys(article for (article,) in rows))

    def days(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the partition (UTC date) of each known article."""
        sql = "SELECT article_id, published_at FROM articles WHERE article_id IN ({})"
        return {
            article: datetime.fromisoformat(published).astimezone(UTC).date().isoformat()
            for article, published in self._select(sql, ids)
        }

    def rejects(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the partition (UTC date) of each reject that is known."""
        return dict(self._select("SELECT reject_id, day FROM rejects WHERE reject_id IN ({})", ids))
