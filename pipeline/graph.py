"""The graph of a batch: journal -> clean -> deduplicate -> analyse -> stage -> aggregate.

One function builds it from one validated config. What differs between commands is the read end
(`pipeline.arrival`) and the trigger, never this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.config import Config
from pipeline.store.texts import StoreReader
from transforms.aggregate_windows import AggregateWindows
from transforms.analyse_articles import (
    ACTOR_ROWS,
    ARTICLE_ROWS,
    REJECTS,
    STANCE_ROWS,
    AnalyseArticles,
)
from transforms.article_rows import Task
from transforms.clean import Clean
from transforms.count_windows import COUNTED_FROM
from transforms.finish_batch import (
    CompleteStories,
    PlaceRows,
    RejectRows,
    RejectView,
    WriteManifest,
)
from transforms.journal import ReadJournal
from transforms.known import COUNTS, FRESH, LATE, SkipKnown
from transforms.near_pairs import CompareSplit, NearPairs, SketchArticles
from transforms.partitions import Rows
from transforms.prepare import Prepare
from transforms.recode import DayStories, PlanRecode, settled_rejects
from transforms.records import RawItem, Reject
from transforms.resolve import ArticleTasks, CarryEvidence, PlanStories
from transforms.segments import JournalSlice
from transforms.stories import Plan
from transforms.text_rules import shipped_rules
from transforms.write import StagePartitions

AGGREGATED = frozenset(dataset.name for dataset in COUNTED_FROM)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What the batch end needs beside its input; `pruned` is the first day that is kept."""

    config: Config
    run_id: str
    coding_version: str
    root: Path
    staging: Path
    coding: Path
    reader: StoreReader
    outlets: Mapping[str, Mapping[str, str]]
    progress: Path | None = None
    new_parts: int = 1
    parts_since: str = ""
    windows_since: str = ""
    pruned: date | None = None


def count_evidence(evidence: Rows) -> dict[str, int]:
    """Return how many pieces of evidence there are, and how many of them count."""
    counted = sum(bool(row["counted"]) for row in evidence.rows)
    return {"evidence": len(evidence.rows), "counted": counted}


def build_batch(
    pipeline: beam.Pipeline, slices: Sequence[JournalSlice], context: BatchContext
) -> None:
    """Build the graph of one batch: all that the slices change is staged, with a manifest."""
    config, reader, root = context.config, context.reader, str(context.root)

    records = (
        pipeline
        | "JournalSlices" >> beam.Create(list(slices))
        | "Spread" >> beam.Reshuffle()
        | "ReadJournal" >> ReadJournal()
    )
    items = records | "Items" >> beam.Filter(lambda record: isinstance(record, RawItem))
    unread = records | "Unread" >> beam.Filter(lambda record: isinstance(record, Reject))

    cleaned = items | "Clean" >> Clean(config.clean)
    known = SkipKnown(reader.view, context.coding_version, context.pruned)
    split = cleaned.articles | "SkipKnown" >> known
    articles = split[FRESH]

    keyed = articles | "ByItem" >> beam.Map(lambda article: (article.item_id, article))
    sketched = keyed | "SketchArticles" >> SketchArticles(config.deduplicate, reader.view)
    metas = sketched | "Prepare" >> Prepare()
    edges = sketched | "NearPairs" >> NearPairs(config.deduplicate, reader.candidates, reader.texts)
    compare = CompareSplit(config.deduplicate, shipped_rules(), reader.texts)
    plans = (metas, edges) | "PlanStories" >> PlanStories(
        reader.view, context.coding_version, config.deduplicate, compare
    )

    tasks = (plans, articles) | "ArticleTasks" >> ArticleTasks(root, context.coding_version)
    _code(
        pipeline,
        context,
        plans,
        tasks,
        rejects=(unread, cleaned.rejects, split[LATE]),
        settled=pipeline | "NothingSettled" >> beam.Create([]),
        counts=split[COUNTS],
        view=reader.view,
    )


def build_recode(
    pipeline: beam.Pipeline, days: Sequence[DayStories], context: BatchContext
) -> None:
    """Build the graph that codes stored stories anew; every article of each is on those days."""
    root, view = str(context.root), context.reader.view
    plans = (
        pipeline
        | "Days" >> beam.Create(list(days))
        | "PlanRecode" >> PlanRecode(root, context.coding_version)
    )
    nothing = pipeline | "NoArticles" >> beam.Create([])
    tasks = (plans, nothing) | "ArticleTasks" >> ArticleTasks(root, context.coding_version)
    _code(
        pipeline,
        context,
        plans,
        tasks,
        rejects=(),
        settled=tasks | "Settled" >> beam.FlatMap(settled_rejects, view),
        counts=plans | "PlanCounts" >> beam.FlatMap(lambda plan: []),
        view=NoRejects(),
    )


class NoRejects:
    """A view that knows of no reject, for a batch that writes its rejects anew."""

    def rejects(self, ids: Any) -> Mapping[str, str]:
        return {}


def _code(
    pipeline: beam.Pipeline,
    context: BatchContext,
    plans: beam.PCollection[Plan],
    tasks: beam.PCollection[Task],
    rejects: tuple[beam.PCollection[Reject], ...],
    settled: beam.PCollection[Any],
    counts: beam.PCollection[dict[str, int]],
    view: RejectView,
) -> None:
    """Analyse a plan's articles and stage all that the plan changes, with a manifest."""
    config = context.config
    root, staging = str(context.root), str(context.staging)
    analysed = tasks | "Analyse" >> AnalyseArticles(
        str(context.coding),
        context.coding_version,
        str(context.progress) if context.progress else None,
    )
    rows = (analysed[ARTICLE_ROWS], plans) | "CompleteStories" >> CompleteStories()
    all_rejects = (*rejects, analysed[REJECTS]) | "AllRejects" >> beam.Flatten()
    placed_rejects = all_rejects | "RejectRows" >> RejectRows(view, context.run_id)

    placed = {
        "rows": rows,
        "stances": analysed[STANCE_ROWS],
        "actors": analysed[ACTOR_ROWS],
        "plans": plans,
        "rejects": placed_rejects,
        "settled": settled,
        "carried": plans | "CarryEvidence" >> CarryEvidence(root),
    } | "PlaceRows" >> PlaceRows(context.outlets)
    writing = StagePartitions(root, staging, context.new_parts, context.parts_since)
    staged = placed | "Stage" >> writing
    aggregated = (
        staged
        | "Dated" >> beam.Filter(lambda file: file.place.dataset in AGGREGATED)
        | "Aggregate" >> AggregateWindows(root, staging, config.aggregate, context.windows_since)
    )
    all_counts = (
        counts,
        all_rejects
        | "CountReject" >> beam.Map(lambda reject: {"rejects": 1, f"reject:{reject.reason}": 1}),
        analysed[STANCE_ROWS] | "CountStance" >> beam.Map(count_evidence),
    ) | "Counts" >> beam.Flatten()
    _ = {
        "staged": (staged, aggregated) | "AllStaged" >> beam.Flatten(),
        "rows": rows,
        "plans": plans,
        "rejects": placed_rejects,
        "settled": settled,
        "counts": all_counts,
    } | "Manifest" >> WriteManifest(staging)
