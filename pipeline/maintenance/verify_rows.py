"""Checks of rows against each other: keys, references, and counts that must add up.

Each is one SQL statement that gives (where, what) for everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from pipeline.alignments import Question, recount_sql
from pipeline.choices import Granularity, Level, Voices
from pipeline.maintenance.problems import Findings
from transforms.count_sql import comentions_sql, coverage_sql
from transforms.schemas import (
    ALIGNMENTS,
    COMENTIONS,
    COVERAGE,
    DATASETS,
    Dataset,
)
from transforms.settings import AggregateSettings


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that gives (where, what) rows, and the datasets that it reads."""

    name: str
    sql: str
    params: tuple[Any, ...] = ()
    reads: tuple[str, ...] = ()


def check_rows(
    connection: duckdb.DuckDBPyConnection,
    settings: AggregateSettings,
    horizon_days: int,
    pruned: date | None,
    damaged: set[str],
    findings: Findings,
) -> None:
    """Run every check whose datasets can be read; `pruned` is the day that pruning went up to."""
    checks = [*_keys(), *_references(), *_stories(horizon_days, pruned), *_aliases(pruned)]
    checks += _counts(connection, settings) if not damaged else []
    for check in checks:
        if damaged.isdisjoint(check.reads):
            findings.check(check.name, _run(connection, check))
    if damaged:
        findings.notes.append(
            f"not everything was checked: {', '.join(sorted(damaged))} can't be read in whole"
        )


def _run(connection: duckdb.DuckDBPyConnection, check: Check) -> Iterator[tuple[str, str]]:
    cursor = connection.execute(check.sql, list(check.params))
    while row := cursor.fetchone():
        yield str(row[0]), str(row[1])


def _keys() -> Iterator[Check]:
    for name, dataset in DATASETS.items():
        key = ", ".join(dataset.key)
        yield Check(
            "keys",
            f"""SELECT concat_ws(' ', '{name}', {key}), count(*) || ' rows have this key'
                FROM {name} GROUP BY {key} HAVING count(*) > 1 ORDER BY ALL""",
            reads=(name,),
        )
        if dataset.partition_by:
            column = dataset.partition_by
            yield Check(
                "dates",
                f"""SELECT '{name}/date=' || date,
                           count(*) || ' rows of other dates, one of ' || min("{column}")
                    FROM {name} WHERE date IS DISTINCT FROM CAST("{column}" AS DATE)
                    GROUP BY date ORDER BY ALL""",
                reads=(name,),
            )


def _references() -> Iterator[Check]:
    yield Check(
        "orphans",
        """SELECT 'stances ' || stance_id, 'no article ' || article_id || ' of story ' || story_id
           FROM stances ANTI JOIN articles USING (article_id, story_id) ORDER BY ALL""",
        reads=("stances", "articles"),
    )
    yield Check(
        "orphans",
        """SELECT 'stances ' || s.stance_id, CASE
               WHEN c.story_id IS NULL THEN 'its story has no first article'
               WHEN c.published_at <> s.published_at THEN 'its story was published at another time'
               ELSE 'its story has other articles or outlets' END
           FROM stances AS s
           LEFT JOIN (FROM articles WHERE is_canonical) AS c USING (story_id)
           WHERE c.published_at IS DISTINCT FROM s.published_at
              OR c.story_articles IS DISTINCT FROM s.story_articles
              OR c.story_outlets IS DISTINCT FROM s.story_outlets
           ORDER BY ALL""",
        reads=("stances", "articles"),
    )
    yield Check(
        "orphans",
        """WITH named AS (
               SELECT unnest([source_actor, source_rollup, target_actor, target_rollup,
                              speaker_actor]) AS actor FROM stances
               UNION SELECT unnest(actors) FROM articles UNION SELECT unnest(rollups) FROM articles)
           SELECT 'actors ' || actor, 'is named and has no row' FROM named
           ANTI JOIN actors USING (actor) WHERE actor IS NOT NULL ORDER BY ALL""",
        reads=("stances", "articles", "actors"),
    )
    yield Check(
        "orphans",
        """SELECT DISTINCT 'outlets ' || outlet, 'is named and has no row' FROM articles
           ANTI JOIN outlets USING (outlet) ORDER BY ALL""",
        reads=("articles", "outlets"),
    )


def _stories(horizon_days: int, pruned: date | None) -> Iterator[Check]:
    # The first article of a story that began before pruning is gone; its copies stay a while.
    excused = "FALSE"
    params: tuple[str, ...] = ()
    if pruned is not None:
        excused = "firsts = 0 AND CAST(earliest AS DATE) < CAST(? AS DATE)"
        params = ((pruned + timedelta(days=4 * horizon_days)).isoformat(),)
    yield Check(
        "stories",
        f"""WITH story AS (
                SELECT story_id, count_if(is_canonical) AS firsts, count(*) AS articles,
                       min(published_at) AS earliest,
                       arg_min(article_id, (published_at, article_id)) AS first_id,
                       list_sort(list(DISTINCT outlet)) AS outlets,
                       any_value(article_id) FILTER (is_canonical) AS stated_id,
                       any_value(story_articles) FILTER (is_canonical) AS stated_articles,
                       any_value(story_outlets) FILTER (is_canonical) AS stated_outlets
                FROM articles GROUP BY story_id)
            SELECT 'story ' || story_id, CASE
                WHEN firsts <> 1 THEN firsts || ' of its ' || articles || ' articles are its first'
                WHEN stated_id <> first_id THEN 'its first article is ' || first_id
                WHEN stated_articles IS DISTINCT FROM articles
                THEN 'says ' || coalesce(stated_articles, 0) || ' articles and has ' || articles
                ELSE 'says other outlets than it has' END
            FROM story
            WHERE NOT ({excused})
              AND (firsts <> 1 OR stated_id <> first_id
                   OR stated_articles IS DISTINCT FROM articles
                   OR list_sort(stated_outlets) IS DISTINCT FROM outlets)
            ORDER BY ALL""",
        params,
        reads=("articles",),
    )


def _aliases(pruned: date | None) -> Iterator[Check]:
    yield Check(
        "aliases",
        """SELECT 'alias ' || alias, 'is a story itself' FROM story_aliases
           SEMI JOIN articles ON alias = articles.story_id ORDER BY ALL""",
        reads=("story_aliases", "articles"),
    )
    yield Check(
        "aliases",
        """SELECT 'alias ' || a.alias, 'leads to the alias ' || a.story_id FROM story_aliases AS a
           SEMI JOIN story_aliases AS b ON a.story_id = b.alias ORDER BY ALL""",
        reads=("story_aliases",),
    )
    if pruned is None:
        yield Check(
            "aliases",
            """SELECT 'alias ' || alias, 'leads to no story' FROM story_aliases
               ANTI JOIN articles USING (story_id) ORDER BY ALL""",
            reads=("story_aliases", "articles"),
        )


def _counts(connection: duckdb.DuckDBPyConnection, settings: AggregateSettings) -> Iterator[Check]:
    for granularity in Granularity:
        if granularity.value not in settings.granularities:
            continue
        for level in Level:
            for voice in Voices:
                question = Question(granularity=granularity, level=level, voice=voice)
                sql, params = recount_sql(question, settings.mixed_dead_band)
                yield _recount(
                    ALIGNMENTS,
                    sql,
                    ("supportive", "opposed", "mixed", "neutral", "net", "stories", "articles",
                     "outlets", "mentions", "min_confidence", "first_published",
                     "last_published"),
                    {"granularity": granularity, "level": level, "voice": voice},
                    tuple(params),
                    "stances",
                )  # fmt: skip
            yield _recount(
                COMENTIONS,
                comentions_sql([granularity.value], [level.value]),
                ("stories", "articles"),
                {"granularity": granularity, "level": level},
                (),
                "articles",
            )
        yield _recount(
            COVERAGE,
            coverage_sql([granularity.value]),
            ("fetched", "analysed", "copies", "stories", "rejects"),
            {"granularity": granularity},
            (),
            "articles",
            "rejects",
        )


def _recount(
    dataset: Dataset,
    sql: str,
    figures: Sequence[str],
    fixed: dict[str, str],
    params: tuple[Any, ...],
    *reads: str,
) -> Check:
    """Return the check that a dataset's rows of one kind are those that `sql` counts anew."""
    key = [name for name in dataset.key if name not in fixed]
    where = " AND ".join(f"{name} = '{value}'" for name, value in fixed.items())
    shown = ", ".join(f"coalesce(CAST(h.{name} AS VARCHAR), CAST(n.{name} AS VARCHAR))"
                      for name in key)  # fmt: skip
    differs = " OR ".join(f"h.{name} IS DISTINCT FROM n.{name}" for name in figures)
    which = " || ".join(
        f"if(h.{name} IS DISTINCT FROM n.{name}, ' {name} ' || coalesce(CAST(h.{name} AS VARCHAR),"
        f" 'none') || ' for ' || coalesce(CAST(n.{name} AS VARCHAR), 'none') || ',', '')"
        for name in figures
    )
    kind = " ".join(fixed.values())
    joined = " AND ".join(f"h.{name} = n.{name}" for name in key)
    return Check(
        dataset.name,
        f"""WITH held AS (SELECT * FROM {dataset.name} WHERE {where}), anew AS ({sql})
            SELECT concat_ws(' ', '{dataset.name} {kind}', {shown}), CASE
                WHEN n.{key[0]} IS NULL THEN 'nothing that is stored adds up to it'
                WHEN h.{key[0]} IS NULL THEN 'is missing'
                ELSE 'holds' || rtrim({which}, ',') END
            FROM held AS h FULL JOIN anew AS n ON {joined}
            WHERE {differs} ORDER BY ALL""",
        params,
        (dataset.name, *reads),
    )
