"""Rows of `articles` and `stances`: from a plan and a cleaned article, or from a stored row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transforms.ids import stable_id
from transforms.parquet_io import Row
from transforms.records import Analysis, Article, Document, Evidence
from transforms.schemas import ARTICLES
from transforms.stories import ArticlePlan, StoryFacts


@dataclass(frozen=True, slots=True)
class Task:
    """One article to write: its plan and its row, which analysis completes.

    A dataclass and not a tuple, so that Beam encodes it as one thing and not value by value.
    """

    plan: ArticlePlan
    row: Row


def new_row(plan: ArticlePlan, article: Article) -> Row:
    """Return the row of a new or revised article; `actors` and `rollups` come from analysis."""
    assert plan.identity is not None and plan.meta is not None
    row: Row = dict.fromkeys(name for name, _ in ARTICLES.columns)
    row.update(
        article_id=plan.article_id,
        url=article.url,
        canonical_url=article.canonical_url,
        guid=article.guid,
        feed_url=article.feed_url,
        origin=article.origin,
        outlet=article.outlet,
        title=article.title,
        author=article.author,
        language=article.language,
        published_at=plan.identity.published_at,
        published_at_source=plan.identity.published_at_source,
        text=article.text,
        text_source=article.text_source,
        word_count=article.word_count,
        content_hash=article.content_hash,
        signature=plan.meta.signature,
        flags=list(article.flags),
        analysed=article.analysed,
        actors=[],
        rollups=[],
    )
    return row


def with_plan(row: Row, plan: ArticlePlan, coding_version: str) -> Row:
    """Return a copy of an article's row with what the plan says of its identity and story."""
    story = plan.story
    row = dict(row)
    if plan.identity is not None:
        row.update(
            revision=plan.identity.revision,
            identity_keys=list(plan.identity.identity_keys),
            content_hashes=list(plan.identity.content_hashes),
            first_seen_at=plan.identity.first_seen_at,
        )
        if plan.identity.item is not None:
            row["modified_at"] = plan.identity.modified_at
    row.update(
        story_id=story.story_id,
        is_canonical=plan.is_canonical,
        own_sentences=list(plan.own),
        joins=[
            {
                "article_id": edge.a if edge.b == plan.article_id else edge.b,
                "similarity": round(edge.similarity, 4),
                "method": edge.method,
            }
            for edge in sorted(plan.joins, key=lambda edge: (edge.a, edge.b))
        ],
        story_articles=story.articles if plan.is_canonical else None,
        story_outlets=list(story.outlets) if plan.is_canonical else None,
        story_actors=None,
        story_rollups=None,
    )
    if not plan.own:
        row.update(actors=[], rollups=[])
    if plan.analyse or not plan.own or row.get("coding_version") is None:
        row["coding_version"] = coding_version
    return row


def document_of(task: Task) -> Document:
    """Return what analysis reads of an article."""
    return Document(
        id=task.plan.article_id,
        title=task.row["title"] or "",
        text=task.row["text"] or "",
        published_at=task.row["published_at"],
        outlet=task.row["outlet"],
        own=task.plan.own,
    )


def with_analysis(row: Row, analysis: Analysis) -> Row:
    """Return a copy of an article's row with the actors that analysis found."""
    return {**row, "actors": sorted(analysis.actors), "rollups": sorted(analysis.rollups)}


def stance_rows(
    task: Task, evidence: Sequence[Evidence], coding_version: str
) -> list[dict[str, Any]]:
    """Return the rows of `stances` for what was read in one article, each with a stable id."""
    rows: dict[str, Row] = {}
    for piece in evidence:
        stance_id = stable_id(
            "stance",
            task.plan.article_id,
            piece.sentence_hash,
            piece.source_actor,
            piece.target_actor,
            piece.speaker_actor or "",
            f"{piece.source_start}:{piece.target_start}:{piece.trigger_start}",
        )
        row: Row = {
            name: getattr(piece, name) for name in Evidence.__dataclass_fields__ if name != "id"
        }
        row.update(
            stance_id=stance_id,
            article_id=task.plan.article_id,
            article_revision=task.row["revision"],
            article_published_at=task.row["published_at"],
            outlet=task.row["outlet"],
            url=task.row["canonical_url"] or task.row["url"],
            coding_version=coding_version,
        )
        rows[stance_id] = with_story(row, task.plan.story)
    return [rows[key] for key in sorted(rows)]


def with_story(row: Row, story: StoryFacts, revision: int | None = None) -> Row:
    """Return a copy of a stances row that states the story it belongs to now."""
    row = {
        **row,
        "story_id": story.story_id,
        "published_at": story.published_at,
        "story_articles": story.articles,
        "story_outlets": list(story.outlets),
    }
    if revision is not None:
        row["article_revision"] = revision
    return row
