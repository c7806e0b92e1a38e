"""The counting rules in SQL: what stories, mentions and articles of any number of dates add up to.

`transforms.aggregate` states the same rules for one story after another; a test holds the two to
the same rows. Each statement reads views named like the datasets, with times in UTC, and gives
the columns of the dataset that it is for. With `own`, hours and days are those of the dates in
`own_days` alone, and weeks are all that there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transforms.aggregate import DIRECT_VOICES, LEVELS

_DIRECT = ", ".join(f"'{voice}'" for voice in sorted(DIRECT_VOICES))
_HEARD = {"direct": f"voice IN ({_DIRECT})", "all": "TRUE"}
VOICES = tuple(_HEARD)
CHANGED_DYAD = "granularity, window_start, level, source, target"


def alignments_sql(
    granularities: Sequence[str],
    levels: Sequence[str] = LEVELS,
    voices: Sequence[str] = VOICES,
    eligible: str = "counted",
    own: bool = False,
    changed: bool = False,
) -> str:
    """Return SQL for `alignments` from the rows of `stances` that are `eligible`.

    Its parameters are those of `eligible` once for every level and voice, then the dead band. A
    story counts once per dyad, in the window of its canonical publication; its stance is the sign
    of the mean score of its evidence, weighted by confidence; within the dead band it is `mixed`
    where both signs occur, else neutral. With `changed`, only the windows of dyads that
    `changed_dyads` lists are counted.
    """
    evidence = _union(
        f"""SELECT '{level}' AS level, '{voice}' AS heard,
                source_{level} AS source, target_{level} AS target,
                stance_id, story_id, published_at, story_articles, story_outlets,
                stance, score, confidence, coding_version
            FROM stances
            WHERE {eligible} AND {_HEARD[voice]} AND source_{level} <> target_{level}
            {_among_changed(level) if changed else ""}"""
        for level in levels
        for voice in voices
    )
    return f"""
        WITH evidence AS ({evidence}),
        story AS (
            SELECT
                level, heard, source, target, story_id,
                min(published_at) AS published_at,
                any_value(story_articles) AS articles,
                any_value(story_outlets) AS outlets,
                count(*) AS mentions,
                min(confidence) AS least_confidence,
                max(coding_version) AS coding_version,
                coalesce(
                    sum(score * confidence ORDER BY stance_id)
                    / nullif(sum(confidence ORDER BY stance_id), 0), 0
                ) AS mean,
                bool_or(stance = 'supportive') AS has_supportive,
                bool_or(stance = 'opposed') AS has_opposed
            FROM evidence
            GROUP BY level, heard, source, target, story_id
        ),
        judged AS (
            SELECT *, CASE
                WHEN NOT has_supportive AND NOT has_opposed THEN 'neutral'
                WHEN abs(mean) > ? THEN if(mean > 0, 'supportive', 'opposed')
                WHEN has_supportive AND has_opposed THEN 'mixed'
                ELSE 'neutral'
            END AS stance
            FROM story
        ),
        placed AS ({_windows("judged", "published_at", granularities, own)})
        SELECT
            window_start, window_end, granularity, level, heard AS voice, source, target,
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
            min(published_at) AS first_published, max(published_at) AS last_published,
            max(coding_version) AS coding_version
        FROM placed
        {f"SEMI JOIN changed_dyads USING ({CHANGED_DYAD})" if changed else ""}
        GROUP BY window_start, window_end, granularity, level, heard, source, target"""


def comentions_sql(
    granularities: Sequence[str],
    levels: Sequence[str] = LEVELS,
    own: bool = False,
    articles: str = "articles",
) -> str:
    """Return SQL for `comentions` from the canonical rows of `articles`."""
    named = _union(
        f"""SELECT '{level}' AS level, date_trunc('hour', published_at) AS hour, story_articles,
                coding_version, list_distinct(story_{level}s) AS names
            FROM {articles} WHERE is_canonical"""
        for level in levels
    )
    # A story lies in one hour and may have hundreds of pairs: longer windows add up its hours.
    return f"""
        WITH named AS ({named}),
        firsts AS (SELECT *, unnest(names) AS actor_a FROM named WHERE len(names) > 1),
        pairs AS (SELECT * EXCLUDE (names), unnest(names) AS actor_b FROM firsts),
        hours AS (
            SELECT level, hour, actor_a, actor_b, count(*) AS stories,
                sum(story_articles) AS articles, max(coding_version) AS coding_version
            FROM pairs WHERE actor_a < actor_b GROUP BY level, hour, actor_a, actor_b
        ),
        placed AS ({_windows("hours", "hour", granularities, own)})
        SELECT window_start, window_end, granularity, level, actor_a, actor_b,
            CAST(sum(stories) AS INTEGER) AS stories, CAST(sum(articles) AS INTEGER) AS articles,
            max(coding_version) AS coding_version
        FROM placed GROUP BY window_start, window_end, granularity, level, actor_a, actor_b"""


def coverage_sql(
    granularities: Sequence[str],
    own: bool = False,
    articles: str = "articles",
    rejects: str = "rejects",
) -> str:
    """Return SQL for `coverage`: `articles` by their publication, `rejects` by their `at`."""
    return f"""
        WITH seen AS (
            SELECT published_at AS moment, outlet, coalesce(feed_url, '') AS feed_url, language,
                story_id, analysed, NOT is_canonical AS is_copy, FALSE AS is_reject
            FROM {articles}
            UNION ALL
            SELECT "at", coalesce(outlet, ''), coalesce(feed_url, ''), 'und', NULL, FALSE, FALSE,
                TRUE
            FROM {rejects}
        ),
        placed AS ({_windows("seen", "moment", granularities, own)})
        SELECT window_start, window_end, granularity, outlet, feed_url, language,
            CAST(count_if(NOT is_reject) AS INTEGER) AS fetched,
            CAST(count_if(analysed) AS INTEGER) AS analysed,
            CAST(count_if(is_copy) AS INTEGER) AS copies,
            CAST(count(DISTINCT story_id) AS INTEGER) AS stories,
            CAST(count_if(is_reject) AS INTEGER) AS rejects
        FROM placed GROUP BY window_start, window_end, granularity, outlet, feed_url, language"""


def changed_dyads_sql(stances: str, granularities: Sequence[str]) -> str:
    """Return SQL for the windows (`CHANGED_DYAD`) of the dyads of some rows of `stances`."""
    dyads = _union(
        f"""SELECT DISTINCT '{level}' AS level, source_{level} AS source, target_{level} AS target,
                date_trunc('hour', published_at) AS hour
            FROM {stances} WHERE counted"""
        for level in LEVELS
    )
    placed = _windows(f"({dyads})", "hour", granularities, own=True)
    return f"SELECT DISTINCT {CHANGED_DYAD} FROM ({placed})"


def _windows(table: str, moment: str, granularities: Sequence[str], own: bool) -> str:
    """Return SQL for a table's rows once for each window that they lie in; weeks are ISO weeks."""
    of_own = f"WHERE CAST({moment} AS DATE) IN (SELECT day FROM own_days)" if own else ""
    return _union(
        f"""SELECT *, '{name}' AS granularity, date_trunc('{name}', {moment}) AS window_start,
                date_trunc('{name}', {moment}) + INTERVAL 1 {name} AS window_end
            FROM {table} {"" if name == "week" else of_own}"""
        for name in granularities
    )


def _among_changed(level: str) -> str:
    return f"""AND (source_{level}, target_{level}) IN (
                SELECT (source, target) FROM changed_dyads WHERE level = '{level}')"""


def _union(statements: Iterable[str]) -> str:
    return " UNION ALL ".join(statements)
