"""The stories of a day: who carried them, for how long, and who was first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
from rich.console import Console

from pipeline.errors import UserError
from pipeline.formats import print_table
from pipeline.query import select

Row = dict[str, Any]

COLUMNS = ("story_id", "published_at", "outlets", "articles", "spread", "first_outlet", "title")


@dataclass(frozen=True, slots=True)
class Question:
    """Which stories are asked for: published (first) on these UTC days, inclusive.

    `limit` 0 means all.
    """

    since: date | None = None
    until: date | None = None
    min_outlets: int = 1
    limit: int = 0


def find_stories(connection: duckdb.DuckDBPyConnection, question: Question) -> list[Row]:
    """Return the stories, those of the most outlets first.

    `published_at` and `first_outlet` are those of a story's first article, `spread_hours` is from
    there to its last. Raises UserError where the store has no story of these days at all.
    """
    days, params = _days("date", question)
    from_since = "date >= CAST(? AS DATE)" if question.since else "true"
    rows = select(
        connection,
        f"""
        WITH first AS (
            SELECT story_id, published_at, outlet, title, url, story_articles, story_outlets
            FROM articles WHERE is_canonical AND {days}
                AND len(story_outlets) >= {int(question.min_outlets)}),
        last AS (
            SELECT story_id, max(published_at) AS last_published_at
            FROM articles SEMI JOIN first USING (story_id) WHERE {from_since} GROUP BY story_id)
        SELECT story_id, published_at, last_published_at, len(story_outlets) AS outlets,
            story_articles AS articles,
            round(date_diff('second', published_at, last_published_at) / 3600, 2) AS spread_hours,
            outlet AS first_outlet, title, url, story_outlets AS outlet_names
        FROM first JOIN last USING (story_id)
        ORDER BY outlets DESC, articles DESC, published_at, story_id
        {f"LIMIT {int(question.limit)}" if question.limit else ""}
        """,
        [*params, *([question.since.isoformat()] if question.since else [])],
    )
    found: list[Row] = rows.read_all().to_pylist()
    if not found:
        _refuse_unknown_days(connection, question)
    return found


def _refuse_unknown_days(connection: duckdb.DuckDBPyConnection, question: Question) -> None:
    days, params = _days("date", question)
    sql = f"SELECT count_if({days}), min(date), max(date) FROM articles WHERE is_canonical"
    inside, first, last = select(connection, sql, params).read_all().to_pylist()[0].values()
    if not first:
        raise UserError("the store has no stories yet")
    if not inside:
        since, until = question.since, question.until
        asked = f"on {since}" if since == until else f"from {since or first} to {until or last}"
        raise UserError(f"no story was first published {asked}; the store has {first} to {last}")


def _days(column: str, question: Question) -> tuple[str, list[Any]]:
    """Return the condition that keeps the question's days, and its parameters."""
    bounds = ((">=", question.since), ("<=", question.until))
    given = [(operator, day.isoformat()) for operator, day in bounds if day is not None]
    parts = [f"{column} {operator} CAST(? AS DATE)" for operator, _ in given]
    return " AND ".join(parts) or "true", [day for _, day in given]


def print_stories(screen: Console, rows: list[Row]) -> None:
    """Print the stories as a table."""
    lines = [[spread(row) if name == "spread" else row[name] for name in COLUMNS] for row in rows]
    print_table(screen, list(COLUMNS), lines, [name in ("outlets", "articles") for name in COLUMNS])


def spread(row: Row) -> str:
    """Return how long a story was carried, from its first article to its last, for people."""
    first, last = row["published_at"], row["last_published_at"]
    assert isinstance(first, datetime) and isinstance(last, datetime)
    minutes = round((last - first).total_seconds() / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
