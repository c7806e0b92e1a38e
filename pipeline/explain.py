"""The evidence behind a count: the sentences from which one dyad's stances were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from pipeline.choices import Stance
from pipeline.evidence_view import Row, group_by_sentence, print_sentence
from pipeline.formats import cell_text, safe_text
from pipeline.query import select

COLUMNS = (
    "stance_id, story_id, article_id, published_at, article_published_at, outlet, url, "
    "source_actor, source_rollup, target_actor, target_rollup, stance, kind, voice, "
    "speaker_actor, quoted, factuality, is_background, score, confidence, trigger, sentence, "
    "source_start, source_end, target_start, target_end, trigger_start, trigger_end, counted, "
    "story_articles, story_outlets"
)


@dataclass(frozen=True)
class Request:
    """Whose evidence is asked for; ids match actors and roll-ups. Days are inclusive.

    `everything` adds what was read but not counted. `limit` is in stories, 0 means all.
    """

    sources: Sequence[str]
    targets: Sequence[str]
    since: date | None = None
    until: date | None = None
    stance: Stance | None = None
    everything: bool = False
    limit: int = 0


def find_evidence(connection: duckdb.DuckDBPyConnection, request: Request) -> list[Row]:
    """Return the evidence, latest story first, the most confident sentence of a story first.

    Rows have the columns of `stances` that are ever shown, their article's title and origin, and
    the title of the story's first article.
    """
    conditions = [
        "(list_contains(?, source_rollup) OR list_contains(?, source_actor))",
        "(list_contains(?, target_rollup) OR list_contains(?, target_actor))",
    ]
    params: list[Any] = [list(request.sources)] * 2 + [list(request.targets)] * 2
    if not request.everything:
        conditions.append("counted")
    if request.stance:
        conditions.append("stance = ?")
        params.append(request.stance.value)
    for operator, day in ((">=", request.since), ("<=", request.until)):
        if day is not None:
            conditions.append(f"CAST(published_at AS DATE) {operator} CAST(? AS DATE)")
            params.append(day.isoformat())
    ranked = f"""
        SELECT {COLUMNS},
            dense_rank() OVER (ORDER BY published_at DESC, story_id) AS story_rank
        FROM stances WHERE {" AND ".join(conditions)}
    """
    within = f"WHERE story_rank <= {int(request.limit)}" if request.limit else ""
    rows = select(
        connection,
        f"""
        SELECT found.* EXCLUDE (story_rank), own.title, own.origin, first.title AS story_title
        FROM (FROM ({ranked}) {within}) AS found
        LEFT JOIN articles AS own ON own.article_id = found.article_id
        LEFT JOIN articles AS first ON first.story_id = found.story_id AND first.is_canonical
        ORDER BY story_rank, confidence DESC, stance_id
        """,
        params,
    )
    found: list[Row] = rows.read_all().to_pylist()
    return found


def first_stories(rows: Sequence[Row], limit: int) -> tuple[list[Row], bool]:
    """Return the rows of the first `limit` stories (0: all), and whether there are more."""
    stories = list(dict.fromkeys(row["story_id"] for row in rows))
    if not limit or len(stories) <= limit:
        return list(rows), False
    kept = set(stories[:limit])
    return [row for row in rows if row["story_id"] in kept], True


def print_evidence(screen: Console, rows: Sequence[Row]) -> None:
    """Print the evidence story by story: where and when, then each sentence with its reading."""
    if not rows:
        screen.print("no evidence", style="dim")
        return
    sentences = 0
    stories = [list(group) for _, group in groupby(rows, key=lambda row: row["story_id"])]
    for story in stories:
        screen.print(_story_line(story[0]), soft_wrap=True)
        for group in group_by_sentence(story):
            print_sentence(screen, group)
            screen.print(Text(f"    {_place(group[0])}", style="dim"), soft_wrap=True)
            sentences += 1
        screen.print()
    counted = f"{_count(sentences, 'sentence')} in {_count(len(stories), 'story', 'stories')}"
    screen.print(counted, style="dim")


def _story_line(row: Row) -> Text:
    outlets = row["story_outlets"] or []
    loud = f"{_count(row['story_articles'] or 1, 'article')}, {_count(len(outlets), 'outlet')}"
    title = row["story_title"]
    title = f"  {safe_text(' '.join(title.split()))}" if title else ""
    return Text.assemble(
        (cell_text(row["published_at"]) + title, "bold"), f"  ({loud})  story {row['story_id']}"
    )


def _place(row: Row) -> str:
    parts = [row["outlet"], cell_text(row["article_published_at"]), row["url"] or row["origin"]]
    return safe_text("  ".join(part for part in parts if part))


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
