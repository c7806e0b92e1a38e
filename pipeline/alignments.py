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
from transforms.count_sql import alignments_sql


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

    Without a threshold it counts what the job counted.
    """
    eligible, params = "counted", [dead_band]
    if question.min_confidence is not None:
        eligible, params = f"confidence >= ? AND {ELIGIBLE}", [question.min_confidence, dead_band]
    counted = alignments_sql(
        [question.granularity.value], [question.level.value], [question.voice.value], eligible
    )
    return counted, params
