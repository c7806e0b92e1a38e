"""The single-key step of a batch, and the steps that carry its plan out to articles and evidence.

Metadata and verified pairs meet in one element (pairs are few, texts never go there); the plan
then fans out again: to the batch's own articles, and to stored rows that have to be written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam

from transforms.article_rows import Task, new_row, with_plan, with_story
from transforms.identity import ItemMeta
from transforms.partitions import Change, Clear, Place, place_rows
from transforms.parts import read_files, stored_files
from transforms.records import Article
from transforms.schemas import ARTICLES, STANCES
from transforms.settings import DeduplicateSettings
from transforms.store_view import Edge, StoreView
from transforms.stories import ArticlePlan, Compare, Plan, plan_batch


class PlanStories(beam.PTransform):
    """(PCollection[ItemMeta], PCollection[Edge]) -> PCollection[Plan] of exactly one plan.

    `compare` is as in `stories.plan_batch`, and picklable.
    """

    def __init__(
        self,
        view: StoreView,
        coding_version: str,
        settings: DeduplicateSettings,
        compare: Compare | None = None,
    ) -> None:
        super().__init__()
        self._view = view
        self._coding_version = coding_version
        self._horizon = timedelta(days=settings.horizon_days)
        self._compare = compare

    def expand(
        self, inputs: tuple[beam.PCollection[ItemMeta], beam.PCollection[Edge]]
    ) -> beam.PCollection[Plan]:
        metas, pairs = inputs
        view, coding_version, horizon = self._view, self._coding_version, self._horizon
        compare = self._compare

        def plan(group: tuple[int, dict[str, Iterable[Any]]]) -> Plan:
            parts = group[1]
            metas, pairs = list(parts["metas"]), list(parts["pairs"])
            return plan_batch(metas, pairs, view, coding_version, horizon, compare)

        start = metas.pipeline | "Once" >> beam.Create([(0, None)])
        return (
            {
                "start": start,
                "metas": metas | "MetasToOne" >> beam.Map(lambda meta: (0, meta)),
                "pairs": pairs | "PairsToOne" >> beam.Map(lambda pair: (0, pair)),
            }
            | "Meet" >> beam.CoGroupByKey()
            | "Plan" >> beam.Map(plan)
        )


class ArticleTasks(beam.PTransform):
    """(PCollection[Plan], PCollection[Article]) -> PCollection[Task] for every row to write."""

    def __init__(self, root: str, coding_version: str) -> None:
        super().__init__()
        self._root = root
        self._coding_version = coding_version

    def expand(
        self, inputs: tuple[beam.PCollection[Plan], beam.PCollection[Article]]
    ) -> beam.PCollection[Task]:
        plans, articles = inputs
        coding_version, root = self._coding_version, self._root

        def fresh(group: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[Task]:
            found = list(group[1]["articles"])
            for plan in group[1]["plans"]:
                yield Task(plan, with_plan(new_row(plan, found[0]), plan, coding_version))

        def stored(group: tuple[str, Iterable[ArticlePlan]]) -> Iterator[Task]:
            day, members = group
            plans = {plan.article_id: plan for plan in members}
            files = stored_files(Path(root), ARTICLES, day)
            for row in read_files(ARTICLES, files, only=("article_id", plans)):
                plan = plans[row["article_id"]]
                yield Task(plan, with_plan(row, plan, coding_version))

        wanted = plans | "Wanted" >> beam.FlatMap(
            lambda plan: [a for a in plan.articles if a.write]
        )
        of_batch = (
            {
                "plans": wanted
                | "OfBatch" >> beam.Filter(lambda plan: plan.item_id is not None)
                | "PlanByItem" >> beam.Map(lambda plan: (plan.item_id, plan)),
                "articles": articles | "ByItem" >> beam.Map(lambda a: (a.item_id, a)),
            }
            | "JoinText" >> beam.CoGroupByKey()
            | "Fresh" >> beam.FlatMap(fresh)
        )
        of_store = (
            wanted
            | "OfStore" >> beam.Filter(lambda plan: plan.item_id is None)
            | "PlanByDay" >> beam.Map(lambda plan: (plan.stored_date, plan))
            | "GroupByDay" >> beam.GroupByKey()
            | "ReadStored" >> beam.FlatMap(stored)
        )
        return (of_batch, of_store) | "AllTasks" >> beam.Flatten()


class _CarryTask(NamedTuple):
    day: str
    stories: frozenset[str]
    carried: dict[str, Any]


def carry_evidence(task: _CarryTask, root: str) -> Iterator[tuple[Place, Change]]:
    """Yield the clearing of touched stories in one stances partition, and the evidence kept."""
    for story in sorted(task.stories):
        yield Place(STANCES.name, task.day), Clear("story_id", story)
    files = stored_files(Path(root), STANCES, task.day)
    moved = []
    for row in read_files(STANCES, files, only=("story_id", task.stories)):
        kept = task.carried.get(row["article_id"])
        if kept is not None:
            story, revision = kept
            moved.append(with_story(row, story, revision))
    yield from place_rows(STANCES, moved)


class CarryEvidence(beam.PTransform):
    """PCollection[Plan] -> PCollection[(Place, Change)]: what becomes of the stored evidence."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, plans: beam.PCollection[Plan]) -> beam.PCollection[tuple[Place, Change]]:
        def tasks(plan: Plan) -> Iterator[_CarryTask]:
            for day in sorted(plan.cleared):
                yield _CarryTask(day, frozenset(plan.cleared[day]), plan.carried.get(day, {}))

        return (
            plans
            | "Touched" >> beam.FlatMap(tasks)
            | "Spread" >> beam.Reshuffle()
            | "Carry" >> beam.FlatMap(carry_evidence, self._root)
        )
