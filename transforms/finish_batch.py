"""The end of a batch: rows complete and placed, the index's changes, and the batch's manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import apache_beam as beam

from transforms.article_rows import Task
from transforms.ids import stable_id
from transforms.manifest import staged_file, write_manifest
from transforms.outlets import outlet_row
from transforms.parquet_io import Row
from transforms.partitions import Change, Clear, Place, Rows, place_rows
from transforms.records import Reject
from transforms.schemas import (
    ACTORS,
    ARTICLES,
    OUTLETS,
    REJECTS,
    STANCES,
    STORY_ALIASES,
)
from transforms.stories import Plan

EXCERPT_CHARS = 200


class RejectView(Protocol):
    """What the store knows of rejects."""

    def rejects(self, ids: Any) -> Mapping[str, str]:
        """Return the partition (UTC date) of each reject that is known."""


class CompleteStories(beam.PTransform):
    """(rows with plans, plans) -> rows with plans; canonical rows get their story's actors."""

    def expand(
        self, inputs: tuple[beam.PCollection[Task], beam.PCollection[Plan]]
    ) -> beam.PCollection[Task]:
        rows, plans = inputs

        def mentioned(task: Task) -> tuple[str, tuple[list[str], list[str]]]:
            row = task.row
            return task.plan.story.story_id, (row["actors"] or [], row["rollups"] or [])

        def kept(plan: Plan) -> Iterator[tuple[str, tuple[list[str], list[str]]]]:
            for story, (actors, rollups) in sorted(plan.kept_actors.items()):
                yield story, (sorted(actors), sorted(rollups))

        def complete(group: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[Task]:
            parts = group[1]
            actors: set[str] = set()
            rollups: set[str] = set()
            for more_actors, more_rollups in parts["actors"]:
                actors.update(more_actors)
                rollups.update(more_rollups)
            found = {"story_actors": sorted(actors), "story_rollups": sorted(rollups)}
            for task in parts["canonical"]:
                yield Task(task.plan, {**task.row, **found})

        actors = (
            rows | "Mentioned" >> beam.Map(mentioned),
            plans | "Kept" >> beam.FlatMap(kept),
        ) | "AllMentioned" >> beam.Flatten()
        canonical = (
            {
                "actors": actors,
                "canonical": rows
                | "Canonical" >> beam.Filter(lambda task: task.plan.is_canonical)
                | "ByStory" >> beam.Map(lambda task: (task.plan.story.story_id, task)),
            }
            | "JoinActors" >> beam.CoGroupByKey()
            | "Complete" >> beam.FlatMap(complete)
        )
        others = rows | "Copies" >> beam.Filter(lambda task: not task.plan.is_canonical)
        return (canonical, others) | "AllRows" >> beam.Flatten()


def reject_row(reject: Reject, run_id: str) -> Row:
    """Return the `rejects` row of a reject; the same input gives the same id on every run."""
    excerpt = reject.excerpt[:EXCERPT_CHARS]
    return {
        "reject_id": stable_id("reject", reject.stage, reject.reason, reject.origin, excerpt),
        "run_id": run_id,
        "stage": reject.stage,
        "reason": reject.reason,
        "detail": reject.detail,
        "origin": reject.origin,
        "excerpt": excerpt,
        "outlet": reject.outlet,
        "feed_url": reject.feed_url,
        "at": reject.at,
    }


def alias_changes(plan: Plan) -> Iterator[tuple[Place, Change]]:
    """Yield what a plan changes in `story_aliases`."""
    place = Place(STORY_ALIASES.name, "")
    for alias in sorted(plan.dropped_aliases):
        yield place, Clear("alias", alias)
    for alias, story in sorted(plan.aliases.items()):
        yield place, Rows([{"alias": alias, "story_id": story}])


def index_article(task: Task) -> dict[str, Any]:
    """Return what the index keeps of an article row, as JSON values (`StoredArticle`'s fields)."""
    plan, row = task.plan, task.row
    meta, stored = plan.meta, plan.stored
    if meta is not None:
        version_at = meta.modified_at or meta.published_at or row["first_seen_at"]
        is_full, sentences = meta.is_full, meta.sentences
    else:
        assert stored is not None
        version_at, is_full, sentences = stored.version_at, stored.is_full, stored.sentences
    values = {
        "article_id": plan.article_id,
        "identity_keys": row["identity_keys"],
        "content_hash": row["content_hash"],
        "content_hashes": row["content_hashes"],
        "published_at": row["published_at"],
        "published_at_source": row["published_at_source"],
        "first_seen_at": row["first_seen_at"],
        "version_at": version_at,
        "is_full": is_full,
        "story_id": plan.story.story_id,
        "outlet": row["outlet"],
        "analysed": row["analysed"],
        "sentences": list(sentences),
        "own": list(plan.own),
        "actors": row["actors"] or [],
        "rollups": row["rollups"] or [],
        "coding_version": row["coding_version"],
    }
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


class RejectRows(beam.PTransform):
    """PCollection[Reject] -> PCollection[(Place, row)] of those that the store lacks."""

    def __init__(self, view: RejectView, run_id: str) -> None:
        super().__init__()
        self._view = view
        self._run_id = run_id

    def expand(self, rejects: beam.PCollection[Reject]) -> beam.PCollection[tuple[Place, Change]]:
        view, run_id = self._view, self._run_id

        def first(group: tuple[str, Iterable[Row]]) -> Iterator[tuple[Place, Change]]:
            reject_id, rows = group
            if not view.rejects([reject_id]):
                yield from place_rows(REJECTS, [min(rows, key=lambda row: str(row["at"]))])

        return (
            rejects
            | "Row" >> beam.Map(reject_row, run_id)
            | "ById" >> beam.Map(lambda row: (row["reject_id"], row))
            | "Same" >> beam.GroupByKey()
            | "First" >> beam.FlatMap(first)
        )


class PlaceRows(beam.PTransform):
    """A batch's complete rows -> PCollection[(Place, Change)] for every dataset but aggregates."""

    def __init__(self, outlets: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__()
        self._outlets = outlets

    def expand(self, inputs: Mapping[str, beam.PCollection[Any]]) -> beam.PCollection[Any]:
        rows, outlets = inputs["rows"], self._outlets
        return (
            rows | "Articles" >> beam.FlatMap(lambda task: place_rows(ARTICLES, [task.row])),
            rows
            | "Outlets"
            >> beam.FlatMap(lambda task: place_rows(OUTLETS, [outlet_row(task.row, outlets)])),
            inputs["stances"] | "Stances" >> beam.FlatMap(lambda r: place_rows(STANCES, r.rows)),
            inputs["actors"] | "Actors" >> beam.FlatMap(lambda r: place_rows(ACTORS, r.rows)),
            inputs["plans"] | "Aliases" >> beam.FlatMap(alias_changes),
            inputs["rejects"],
            inputs["settled"],
            inputs["carried"],
        ) | "Placed" >> beam.Flatten()


class WriteManifest(beam.PTransform):
    """Staged files, rows, plans, rejects and counts -> two JSON files that the commit reads.

    `settled` are clearings of rejects that no longer hold.
    """

    def __init__(self, staging: str) -> None:
        super().__init__()
        self._staging = staging

    def expand(self, inputs: Mapping[str, beam.PCollection[Any]]) -> beam.PCollection[str]:
        staging = self._staging

        def of_row(task: Task) -> Iterator[tuple[str, Any]]:
            plan = task.plan
            yield "articles", index_article(task)
            if plan.meta is not None:
                yield "bands", [plan.article_id, list(plan.meta.bands)]

        def of_plan(plan: Plan) -> Iterator[tuple[str, Any]]:
            yield "edges", [[e.a, e.b, e.similarity, e.method] for e in plan.edges]
            yield "dropped_edges", sorted(plan.dropped_edges)
            yield "aliases", dict(sorted(plan.aliases.items()))
            yield "dropped_aliases", sorted(plan.dropped_aliases)
            yield "counts", plan.counts

        def of_reject(placed: tuple[Place, Rows]) -> Iterator[tuple[str, Any]]:
            place, change = placed
            yield from (("rejects", [row["reject_id"], place.day]) for row in change.rows)

        def of_settled(cleared: tuple[Place, Clear]) -> tuple[str, list[str]]:
            return "dropped_rejects", [cleared[1].value]

        parts = (
            inputs["staged"] | "File" >> beam.Map(lambda s: ("files", staged_file(s))),
            inputs["rows"] | "OfRow" >> beam.FlatMap(of_row),
            inputs["plans"] | "OfPlan" >> beam.FlatMap(of_plan),
            inputs["rejects"] | "OfReject" >> beam.FlatMap(of_reject),
            inputs["settled"] | "OfSettled" >> beam.Map(of_settled),
            inputs["counts"] | "OfCount" >> beam.Map(lambda counts: ("counts", counts)),
        ) | "Parts" >> beam.Flatten()
        return (
            parts
            | "ToOne" >> beam.Map(lambda part: (0, part))
            | "All" >> beam.GroupByKey()
            | "WriteManifest" >> beam.Map(lambda group: write_manifest(Path(staging), group[1]))
        )
