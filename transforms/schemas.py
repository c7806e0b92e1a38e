"""The Parquet contract: one explicit schema, row order and partition key per dataset.

Additive changes only. A new column goes to the end of its dataset's list and raises
SCHEMA_VERSION; a reader of version n reads every file of versions <= n.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 1
ROW_GROUP_ROWS = 20_000

TIME = pa.timestamp("us", tz="UTC")
ENUM = pa.dictionary(pa.int32(), pa.string())
STRINGS = pa.list_(pa.string())
JOINS = pa.list_(
    pa.struct([("article_id", pa.string()), ("similarity", pa.float64()), ("method", pa.string())])
)


@dataclass(frozen=True)
class Dataset:
    """One dataset: its columns, the total order of its rows, and the column its `date` is cut from.

    `key` identifies a row within the dataset; `partition_by` is None for unpartitioned dimensions.
    """

    name: str
    columns: tuple[tuple[str, pa.DataType], ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    partition_by: str | None

    @property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema with `schema_version` and the dataset's name as metadata."""
        return pa.schema(
            [pa.field(name, kind) for name, kind in self.columns],
            metadata={"schema_version": str(SCHEMA_VERSION), "dataset": self.name},
        )


ARTICLES = Dataset(
    "articles",
    (
        ("article_id", pa.string()),
        ("story_id", pa.string()),
        ("is_canonical", pa.bool_()),
        ("revision", pa.int32()),
        ("url", pa.string()),
        ("canonical_url", pa.string()),
        ("guid", pa.string()),
        ("feed_url", pa.string()),
        ("origin", pa.string()),
        ("outlet", pa.string()),
        ("title", pa.string()),
        ("author", pa.string()),
        ("language", ENUM),
        ("published_at", TIME),
        ("published_at_source", ENUM),
        ("modified_at", TIME),
        ("first_seen_at", TIME),
        ("text", pa.string()),
        ("text_source", ENUM),
        ("word_count", pa.int32()),
        ("content_hash", pa.string()),
        ("signature", pa.binary()),
        ("flags", STRINGS),
        ("analysed", pa.bool_()),
        ("own_sentences", pa.list_(pa.int32())),
        ("actors", STRINGS),
        ("rollups", STRINGS),
        ("story_articles", pa.int32()),
        ("story_outlets", STRINGS),
        ("story_actors", STRINGS),
        ("story_rollups", STRINGS),
        ("identity_keys", STRINGS),
        ("content_hashes", STRINGS),
        ("joins", JOINS),
        ("coding_version", pa.string()),
    ),
    key=("article_id",),
    order=("published_at", "article_id"),
    partition_by="published_at",
)

STANCES = Dataset(
    "stances",
    (
        ("stance_id", pa.string()),
        ("article_id", pa.string()),
        ("story_id", pa.string()),
        ("article_revision", pa.int32()),
        ("published_at", TIME),
        ("article_published_at", TIME),
        ("outlet", pa.string()),
        ("url", pa.string()),
        ("source_actor", pa.string()),
        ("source_rollup", pa.string()),
        ("target_actor", pa.string()),
        ("target_rollup", pa.string()),
        ("stance", ENUM),
        ("kind", ENUM),
        ("voice", ENUM),
        ("speaker_actor", pa.string()),
        ("quoted", pa.bool_()),
        ("factuality", ENUM),
        ("is_background", pa.bool_()),
        ("score", pa.float64()),
        ("confidence", pa.float64()),
        ("p_supportive", pa.float64()),
        ("p_opposed", pa.float64()),
        ("p_neutral", pa.float64()),
        ("grammar_vote", ENUM),
        ("learned_vote", ENUM),
        ("trigger", pa.string()),
        ("path", pa.string()),
        ("sentence", pa.string()),
        ("sentence_hash", pa.string()),
        ("source_start", pa.int32()),
        ("source_end", pa.int32()),
        ("target_start", pa.int32()),
        ("target_end", pa.int32()),
        ("trigger_start", pa.int32()),
        ("trigger_end", pa.int32()),
        ("counted", pa.bool_()),
        ("story_articles", pa.int32()),
        ("story_outlets", STRINGS),
        ("coding_version", pa.string()),
    ),
    key=("stance_id",),
    order=("published_at", "story_id", "article_id", "sentence_hash", "stance_id"),
    partition_by="published_at",
)

WINDOW = (
    ("window_start", TIME),
    ("window_end", TIME),
    ("granularity", ENUM),
)

ALIGNMENTS = Dataset(
    "alignments",
    (
        *WINDOW,
        ("level", ENUM),
        ("voice", ENUM),
        ("source", pa.string()),
        ("target", pa.string()),
        ("supportive", pa.int32()),
        ("opposed", pa.int32()),
        ("mixed", pa.int32()),
        ("neutral", pa.int32()),
        ("net", pa.int32()),
        ("stories", pa.int32()),
        ("articles", pa.int32()),
        ("outlets", pa.int32()),
        ("mentions", pa.int32()),
        ("min_confidence", pa.float64()),
        ("first_published", TIME),
        ("last_published", TIME),
        ("coding_version", pa.string()),
    ),
    key=("window_start", "granularity", "level", "voice", "source", "target"),
    order=("granularity", "window_start", "level", "voice", "source", "target"),
    partition_by="window_start",
)

COMENTIONS = Dataset(
    "comentions",
    (
        *WINDOW,
        ("level", ENUM),
        ("actor_a", pa.string()),
        ("actor_b", pa.string()),
        ("stories", pa.int32()),
        ("articles", pa.int32()),
        ("coding_version", pa.string()),
    ),
    key=("window_start", "granularity", "level", "actor_a", "actor_b"),
    order=("granularity", "window_start", "level", "actor_a", "actor_b"),
    partition_by="window_start",
)

COVERAGE = Dataset(
    "coverage",
    (
        *WINDOW,
        ("outlet", pa.string()),
        ("feed_url", pa.string()),
        ("language", ENUM),
        ("fetched", pa.int32()),
        ("analysed", pa.int32()),
        ("copies", pa.int32()),
        ("stories", pa.int32()),
        ("rejects", pa.int32()),
    ),
    key=("window_start", "granularity", "outlet", "feed_url", "language"),
    order=("granularity", "window_start", "outlet", "feed_url", "language"),
    partition_by="window_start",
)

ACTORS = Dataset(
    "actors",
    (
        ("actor", pa.string()),
        ("type", ENUM),
        ("name", pa.string()),
        ("names", STRINGS),
        ("iso2", pa.string()),
        ("iso3", pa.string()),
        ("cameo", pa.string()),
        (
            "rollups",
            pa.list_(
                pa.struct([("rollup", pa.string()), ("from", pa.string()), ("to", pa.string())])
            ),
        ),
        ("in_catalog", pa.bool_()),
    ),
    key=("actor",),
    order=("actor",),
    partition_by=None,
)

OUTLETS = Dataset(
    "outlets",
    (
        ("outlet", pa.string()),
        ("name", pa.string()),
        ("domain", pa.string()),
        ("country", pa.string()),
        ("language", pa.string()),
    ),
    key=("outlet",),
    order=("outlet",),
    partition_by=None,
)

STORY_ALIASES = Dataset(
    "story_aliases",
    (("alias", pa.string()), ("story_id", pa.string())),
    key=("alias",),
    order=("alias",),
    partition_by=None,
)

REJECTS = Dataset(
    "rejects",
    (
        ("reject_id", pa.string()),
        ("run_id", pa.string()),
        ("stage", ENUM),
        ("reason", ENUM),
        ("detail", pa.string()),
        ("origin", pa.string()),
        ("excerpt", pa.string()),
        ("outlet", pa.string()),
        ("feed_url", pa.string()),
        ("at", TIME),
    ),
    key=("reject_id",),
    order=("at", "reject_id"),
    partition_by="at",
)

RUNS = Dataset(
    "runs",
    (
        ("run_id", pa.string()),
        ("started_at", TIME),
        ("finished_at", TIME),
        ("status", ENUM),
        ("command", pa.string()),
        ("config_hash", pa.string()),
        ("coding_version", pa.string()),
        ("versions", pa.map_(pa.string(), pa.string())),
        ("counts", pa.map_(pa.string(), pa.int64())),
    ),
    key=("run_id",),
    order=("started_at", "run_id"),
    partition_by="started_at",
)

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        ARTICLES,
        STANCES,
        ALIGNMENTS,
        COMENTIONS,
        COVERAGE,
        ACTORS,
        OUTLETS,
        STORY_ALIASES,
        REJECTS,
        RUNS,
    )
}
