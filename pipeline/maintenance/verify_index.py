"""Checks of the index against the Parquet that it can be made from."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from pipeline.maintenance.problems import Findings
from pipeline.store.layout import Layout
from pipeline.store.rebuild import about_index, noted
from transforms.settings import DeduplicateSettings
from transforms.stored_rows import utc

Found = Iterator[tuple[str, str]]
ARTICLES_SQL = """
    SELECT article_id, story_id, published_at, content_hash, coding_version, analysed,
           coalesce(identity_keys, []), coalesce(own_sentences, []), coalesce(actors, [])
    FROM articles ORDER BY article_id"""
NAMES = ("story", "publication", "text", "coding version", "analysed or not", "identity keys",
         "own sentences", "actors")  # fmt: skip
ROWS = 1_000


def check_index(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    settings: DeduplicateSettings,
    damaged: set[str],
    findings: Findings,
) -> None:
    """Compare identities, stories, copies, aliases and rejects; a missing index is only noted.

    Copies must have been published within the horizon that the index was made by.
    """
    about = noted(layout.index)
    if about is None:
        if layout.index.exists():
            findings.check("index", [("index", "can't be read; the next run makes it anew")])
        else:
            findings.notes.append("there is no index; the next run makes it")
        return
    if about != about_index(settings):
        findings.notes.append(
            "the index is of another [deduplicate] section or program; the next run makes it anew"
        )
        return
    try:
        with contextlib.closing(_open(layout.index)) as db:
            if "articles" not in damaged:
                findings.check("index", _articles(connection, db))
                findings.check("index", _keys(db))
                findings.check("index", _edges(connection, db))
                # Told here because the index says by which horizon the store was made.
                findings.check("stories", _far_joins(connection, settings.horizon_days))
            for name, sql, stored in (
                (
                    "story_aliases",
                    "SELECT alias, story_id FROM aliases ORDER BY 1",
                    "alias, story_id",
                ),
                ("rejects", "SELECT * FROM rejects ORDER BY 1", "reject_id, CAST(date AS VARCHAR)"),
            ):
                if name not in damaged:
                    rows = connection.execute(f"SELECT {stored} FROM {name} ORDER BY 1")
                    findings.check("index", _same(name, _rows(rows), db.execute(sql)))
    except sqlite3.DatabaseError as error:
        findings.check("index", [("index", f"can't be read: {error}")])


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(ROWS):
        yield from rows


def _articles(connection: duckdb.DuckDBPyConnection, db: sqlite3.Connection) -> Found:
    def of_index() -> Iterator[tuple[Any, ...]]:
        for (text,) in db.execute("SELECT facts FROM articles ORDER BY article_id"):
            facts = json.loads(text)
            yield (
                facts["article_id"], facts["story_id"], facts["published_at"],
                facts["content_hash"], facts["coding_version"], facts["analysed"],
                facts["identity_keys"], facts["own"], facts["actors"],
            )  # fmt: skip

    def of_store() -> Iterator[tuple[Any, ...]]:
        for row in _rows(connection.execute(ARTICLES_SQL)):
            yield (*row[:2], utc(row[2]).isoformat(), *row[3:])

    yield from _same("article", of_store(), of_index(), NAMES)


def _same(
    kind: str,
    stored: Iterable[tuple[Any, ...]],
    indexed: Iterable[tuple[Any, ...]],
    names: tuple[str, ...] = ("value",),
) -> Found:
    """Yield where two sequences, sorted by their first column, differ."""
    left, right = iter(stored), iter(indexed)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield f"{kind} {one[0]}", "is stored and not in the index"
            one = next(left, None)
        elif one is None or one[0] > other[0]:
            yield f"{kind} {other[0]}", "is in the index and not stored"
            other = next(right, None)
        else:
            differ = [name for name, a, b in zip(names, one[1:], other[1:], strict=True) if a != b]
            if differ:
                yield f"{kind} {one[0]}", f"the index has another {', another '.join(differ)}"
            one, other = next(left, None), next(right, None)


def _keys(db: sqlite3.Connection) -> Found:
    unknown = "WHERE article_id NOT IN (SELECT article_id FROM articles)"
    sql = f"SELECT key, article_id FROM keys {unknown}"
    for key, article in db.execute(sql):
        yield f"key {key}", f"leads to no article: {article}"
    known = "SELECT 1 FROM keys WHERE key = ?"
    for (text,) in db.execute("SELECT facts FROM articles ORDER BY article_id"):
        facts = json.loads(text)
        for key in facts["identity_keys"]:
            if db.execute(known, (key,)).fetchone() is None:
                yield f"article {facts['article_id']}", f"isn't known by its key {key}"
    stray = "SELECT DISTINCT article FROM bands WHERE article NOT IN (SELECT number FROM articles)"
    for (number,) in db.execute(stray):
        yield f"bands of article number {number}", "belong to no article"


def _edges(connection: duckdb.DuckDBPyConnection, db: sqlite3.Connection) -> Found:
    # A join with an article that was pruned stands in the row that stays, and in no edge.
    sql = """
        WITH pair AS (SELECT article_id, unnest(joins).article_id AS other FROM articles)
        SELECT DISTINCT least(article_id, other), greatest(article_id, other) FROM pair
        SEMI JOIN articles AS a ON pair.other = a.article_id ORDER BY ALL"""
    stored = ((f"{a} {b}",) for a, b in _rows(connection.execute(sql)))
    indexed = ((f"{a} {b}",) for a, b in db.execute("SELECT a, b FROM edges ORDER BY a, b"))
    yield from _same("copies", stored, indexed, ())


def _far_joins(connection: duckdb.DuckDBPyConnection, horizon_days: int) -> Found:
    sql = """
        WITH pair AS (
            SELECT article_id, published_at, unnest(joins).article_id AS other FROM articles)
        SELECT 'article ' || pair.article_id, 'was published over ' || ? || ' days from ' || other
            || ', with which it is joined'
        FROM pair JOIN articles AS a ON pair.other = a.article_id
        WHERE abs(date_diff('microsecond', a.published_at, pair.published_at)) > ? * 86400000000
        ORDER BY ALL"""
    yield from _rows(connection.execute(sql, [horizon_days, horizon_days]))
