"""Stories read anew from the store: their rows in, a plan out, as for a batch of new articles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam

from transforms.analyse_articles import analysis_reject
from transforms.article_rows import Task
from transforms.finish_batch import RejectView, reject_row
from transforms.parquet_io import Row
from transforms.partitions import Clear, Place
from transforms.parts import read_files, stored_files
from transforms.schemas import ARTICLES, REJECTS
from transforms.store_view import Edge, StoredArticle
from transforms.stored_rows import stored_article
from transforms.stories import Plan, plan_recode


@dataclass(frozen=True, slots=True)
class DayStories:
    """The stories to read of one partition of `articles`."""

    day: str
    stories: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoredMember:
    """A stored article without its text, and the edges that its row states."""

    article: StoredArticle
    joins: tuple[Edge, ...]


def read_members(task: DayStories, root: str) -> Iterator[StoredMember]:
    """Yield what planning needs of the articles of one partition that belong to the stories."""
    files = stored_files(Path(root), ARTICLES, task.day)
    for row in read_files(ARTICLES, files, only=("story_id", task.stories)):
        yield StoredMember(stored_article(row), stated_joins(row))


def stated_joins(row: Row) -> tuple[Edge, ...]:
    """Return the edges that an article's row states."""
    own = row["article_id"]
    pairs = [(min(own, j["article_id"]), max(own, j["article_id"]), j) for j in row["joins"] or ()]
    return tuple(Edge(a, b, join["similarity"], join["method"]) for a, b, join in pairs)


class PlanRecode(beam.PTransform):
    """PCollection[DayStories] -> PCollection[Plan] of exactly one plan."""

    def __init__(self, root: str, coding_version: str) -> None:
        super().__init__()
        self._root = root
        self._coding_version = coding_version

    def expand(self, days: beam.PCollection[DayStories]) -> beam.PCollection[Plan]:
        coding_version = self._coding_version

        def plan(group: tuple[int, Iterable[StoredMember]]) -> Plan:
            members = list(group[1])
            joins = {member.article.article_id: member.joins for member in members}
            return plan_recode([member.article for member in members], joins, coding_version)

        return (
            days
            | "SpreadDays" >> beam.Reshuffle()
            | "ReadMembers" >> beam.FlatMap(read_members, self._root)
            | "ToOne" >> beam.Map(lambda member: (0, member))
            | "Meet" >> beam.GroupByKey()
            | "Plan" >> beam.Map(plan)
        )


def settled_rejects(task: Task, view: RejectView) -> Iterator[tuple[Place, Clear]]:
    """Yield the clearing of the reject that an article's former analysis left, if it left one.

    Where the analysis fails again, it leaves the same reject again.
    """
    reject_id = reject_row(analysis_reject(task.row, ""), "")["reject_id"]
    for day in view.rejects([reject_id]).values():
        yield Place(REJECTS.name, day), Clear("reject_id", reject_id)
