"""Who supports or opposes whom, per publication window: the everyday question as SQL.

The stored counts answer it as they are. Another confidence threshold recounts from `stances` by
the same rule as the job (`transforms.aggregate`); a test holds the two to the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.choices import COUNTED_FACTUALITY, Granularity, Level, Voices
from pipeline.query import select


@dataclass(frozen=True)
class Question:
    """Which alignments are asked for; empty actor lists mean every actor.

    `either` names actors on either side of a dyad. `since` and `until` are days, both inclusive,
    and select the windows that start on them. `limit` 0 means all.
    """

    either: Sequence[str] = ()
    sources: Sequence[str] = ()
    targets: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    granularity: Granularity = Granularity.DAY
    level: Level = Level.ROLLUP
    voice: Voices = Voices.DIRECT
    min_confidence: float | None = None
    limit: int = 0


def find_alignments(
    connection: duckdb.DuckDBPyConnection, question: Question, dead_band: float
) -> pa.RecordBatchReader:
    """Return the alignments that answer the question, latest window first, with actors' names.

    `dead_band` is `aggregate.mixed_dead_band`; only a recount needs it.
    """
    counts = "SELECT * FROM alignments"
    params: list[Any] = []
    if question.min_confidence is not None:
        counts, params = recount_sql(question, dead_band)
    conditions = ["granularity = ?", "level = ?", "voice = ?"]
    params += [question.granularity.value, question.level.value, question.voice.value]
    if question.either:
        conditions.append("(list_contains(?, source) OR list_contains(?, target))")
        params += [list(question.either), list(question.either)]
    for column, wanted in (("source", question.sources), ("target", question.targets)):
        if wanted:
            conditions.append(f"list_contains(?, {column})")
            params.append(list(wanted))
    for operator, day in ((">=", question.since), ("<=", question.until)):
        if day is not None:
            conditions.append(f"CAST(window_start AS DATE) {operator} CAST(? AS DATE)")
            params.append(day.isoformat())
    sql = f"""
        WITH counts AS ({counts})
        SELECT
            window_start, window_end, granularity, level, voice,
            source, coalesce(s.name, source) AS source_name,
            target, coalesce(t.name, target) AS target_name,
            supportive, opposed, mixed, neutral, net,
            stories, articles, outlets, mentions, min_confidence,
            first_published, last_published
        FROM counts
        LEFT JOIN actors AS s ON s.actor = source
        LEFT JOIN actors AS t ON t.actor = target
        WHERE {" AND ".join(conditions)}
        ORDER BY window_start DESC, stories DESC, abs(net) DESC, source, target
        {"LIMIT " + str(int(question.limit)) if question.limit else ""}
    """
    return select(connection, sql, params)


# What evidence must be, besides confident enough, to count: what the stance reader asks for.
ELIGIBLE = (
    f"factuality IN {COUNTED_FACTUALITY} AND NOT is_background AND source_rollup <> target_rollup"
)


def recount_sql(question: Question, dead_band: float) -> tuple[str, list[Any]]:
    """Return SQL for `alignments` at the question's threshold, window and level, with parameters.

    Without a threshold it counts what the job counted. The one place where the counting rule
    stands in SQL: a story counts once per dyad, in the window of its canonical publication; its
    stance is the sign of the confidence-weighted mean score of its evidence; within the dead band
    it is `mixed` where both signs occur, else neutral.
    """
    own = "rollup" if question.level is Level.ROLLUP else "actor"
    heard = "TRUE" if question.voice is Voices.ALL else "voice IN ('outlet', 'source')"
    window = question.granularity.value
    eligible, params = "counted", [dead_band]
    if question.min_confidence is not None:
        eligible, params = f"confidence >= ? AND {ELIGIBLE}", [question.min_confidence, dead_band]
    sql = f"""
        WITH evidence AS (
            SELECT
                date_trunc('{window}', published_at) AS window_start,
                source_{own} AS source, target_{own} AS target,
                stance_id, story_id, published_at, story_articles, story_outlets,
                stance, score, confidence
            FROM stances
            WHERE {eligible} AND {heard} AND source_{own} <> target_{own}
        ),
        story AS (
            SELECT
                window_start, source, target, story_id,
                min(published_at) AS published_at,
                any_value(story_articles) AS articles,
                any_value(story_outlets) AS outlets,
                count(*) AS mentions,
                min(confidence) AS least_confidence,
                coalesce(
                    sum(score * confidence ORDER BY stance_id)
                    / nullif(sum(confidence ORDER BY stance_id), 0), 0
                ) AS mean,
                bool_or(stance = 'supportive') AS has_supportive,
                bool_or(stance = 'opposed') AS has_opposed
            FROM evidence
            GROUP BY window_start, source, target, story_id
        ),
        judged AS (
            SELECT *, CASE
                WHEN NOT has_supportive AND NOT has_opposed THEN 'neutral'
                WHEN abs(mean) > ? THEN if(mean > 0, 'supportive', 'opposed')
                WHEN has_supportive AND has_opposed THEN 'mixed'
                ELSE 'neutral'
            END AS stance
            FROM story
        )
        SELECT
            window_start, window_start + INTERVAL 1 {window} AS window_end,
            '{window}' AS granularity, '{question.level.value}' AS level,
            '{question.voice.value}' AS voice, source, target,
            CAST(count_if(stance = 'supportive') AS INTEGER) AS supportive,
            CAST(count_if(stance = 'opposed') AS INTEGER) AS opposed,
            CAST(count_if(stance = 'mixed') AS INTEGER) AS mixed,
            CAST(count_if(stance = 'neutral') AS INTEGER) AS neutral,
            supportive - opposed AS net,
            CAST(count(*) AS INTEGER) AS stories,
            CAST(sum(articles) AS INTEGER) AS articles,
            CAST(len(list_distinct(flatten(list(outlets)))) AS INTEGER) AS outlets,
            CAST(sum(mentions) AS INTEGER) AS mentions,
            min(least_confidence) AS min_confidence,
            min(published_at) AS first_published, max(published_at) AS last_published
        FROM judged
        GROUP BY window_start, source, target
    """
    return sql, params
