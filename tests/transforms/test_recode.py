"""Coding anew: what a stored row tells, and what becomes of rejects that no longer hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from transforms.analyse_articles import analysis_reject
from transforms.article_rows import Task
from transforms.finish_batch import reject_row
from transforms.parquet_io import partition_path, write_rows
from transforms.partitions import Clear, Place
from transforms.recode import DayStories, read_members, settled_rejects
from transforms.schemas import ARTICLES
from transforms.sentences import split_document
from transforms.store_view import Edge

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def row(article: str, story: str, **over: Any) -> dict[str, Any]:
    return {
        "article_id": article,
        "story_id": story,
        "title": "Arvena thanks Torrin",
        "text": "Arvena thanked Torrin. It said so on Monday.",
        "published_at": NOON,
        "first_seen_at": NOON,
        "content_hash": "h",
        "text_source": "summary",
        "origin": "news.jsonl#1",
        "outlet": "o.example",
        "feed_url": None,
        "joins": [],
    } | over


def test_the_members_of_some_stories_are_read_with_their_sentences(tmp_path: Path) -> None:
    later = NOON + timedelta(hours=1)
    joins = [
        {"article_id": "a", "similarity": 0.75, "method": "jaccard"},
        {"article_id": "z", "similarity": 0.5, "method": "containment"},
    ]
    rows = [
        row("a", "one"),
        row("m", "one", published_at=later, modified_at=later, joins=joins),
        row("x", "two"),
    ]
    write_rows(ARTICLES, rows, partition_path(tmp_path, ARTICLES, "2026-11-02"))
    task = DayStories("2026-11-02", frozenset({"one"}))
    members = {m.article.article_id: m for m in read_members(task, str(tmp_path))}
    assert set(members) == {"a", "m"}
    sentences = split_document(rows[0]["title"], rows[0]["text"])
    assert members["a"].article.sentences == tuple(one.hash for one in sentences)
    assert members["m"].joins == (
        Edge("a", "m", 0.75, "jaccard"),
        Edge("m", "z", 0.5, "containment"),
    )
    assert members["m"].article.version_at == later
    assert not members["m"].article.is_full
    assert list(read_members(DayStories("2026-11-03", frozenset({"one"})), str(tmp_path))) == []


class Known:
    """A view that knows some rejects."""

    def __init__(self, days: Mapping[str, str]) -> None:
        self._days = days

    def rejects(self, ids: Any) -> Mapping[str, str]:
        return {reject: self._days[reject] for reject in ids if reject in self._days}


def test_the_reject_of_a_former_analysis_is_cleared_whatever_it_said() -> None:
    stored = row("a", "one")
    reject_id = reject_row(analysis_reject(stored, "MemoryError: at the time"), "run")["reject_id"]
    task = Task(None, stored)  # type: ignore[arg-type]
    assert list(settled_rejects(task, Known({"other": "2026-11-01"}))) == []
    assert list(settled_rejects(task, Known({reject_id: "2026-11-02"}))) == [
        (Place("rejects", "2026-11-02"), Clear("reject_id", reject_id))
    ]
