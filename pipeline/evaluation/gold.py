"""The project's own sample input, read from its files, cleaned, analysed and scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import find_file, read_lines
from pipeline.evaluation.scores import DIGITS, Tally
from pipeline.evaluation.seed import Edge, edge_of
from pipeline.evaluation.stories import score_stories
from transforms.analyse import Analyser
from transforms.clean import clean_item
from transforms.read_files import read_slice
from transforms.records import Article, Document, RawItem
from transforms.settings import CleanSettings, DeduplicateSettings, ReadSettings
from transforms.sources import expand_inputs

NOT_INPUT = ("gold.jsonl", "README*")
_STANCES = ("supportive", "opposed", "neutral")
# One article: the edges found and wanted, and whether each edge's voice is right.
Item = tuple[set[Edge], set[Edge], list[bool]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evaluate_gold(
    path: Path,
    analyser: Analyser,
    read: ReadSettings | None = None,
    clean: CleanSettings | None = None,
    deduplicate: DeduplicateSettings | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score counted stances article by article, and stories pair by pair, against `gold.jsonl`.

    `path` is the gold file or its folder; articles are read from everything else in that folder.
    `optional` stances of the gold count neither way. Each article is read whole, copies too.
    """
    gold_file = find_file(path, "gold.jsonl")
    articles = latest_articles(gold_file.parent, read or ReadSettings(), clean or CleanSettings())
    rows = [
        row for row in read_lines(gold_file) if row.get("kind") == "article" and row["analysed"]
    ]
    absent = [row["key"] for row in rows if row["key"] not in articles]
    present = [row for row in rows if row["key"] in articles]
    documents = [_document(articles[row["key"]]) for row in present]
    items: list[Item] = []
    predictions = []
    for row, analysis in zip(present, analyser.analyse(documents), strict=True):
        counted = {edge_of(e): e for e in analysis.evidence if e.counted}
        wanted = {(s["source"], s["target"], s["stance"]): s for s in row["stances"]}
        optional = {(s["source"], s["target"], s["stance"]) for s in row.get("optional", ())} - set(
            wanted
        )
        found = set(counted) - optional
        voices = [
            (wanted[edge]["voice"] == "third_party") == (counted[edge].voice == "third_party")
            for edge in found & set(wanted)
        ]
        items.append((found, set(wanted), voices))
        predictions.append(
            {
                "key": row["key"],
                "right": [list(edge) for edge in sorted(found & set(wanted))],
                "missed": [list(edge) for edge in sorted(set(wanted) - found)],
                "extra": [
                    [*edge, counted[edge].trigger, counted[edge].sentence]
                    for edge in sorted(found - set(wanted))
                ],
            }
        )
    stories = score_stories(
        articles,
        {row["key"]: row["story"] for row in present},
        deduplicate or DeduplicateSettings(),
    )
    report = {**with_intervals(items, _report), "absent": absent, "stories": stories.figures()}
    return report, predictions


def _report(items: Sequence[Item]) -> dict[str, Any]:
    tally, by_stance = Tally(), {stance: Tally() for stance in _STANCES}
    for found, wanted, _ in items:
        tally.add(found, wanted)
        for stance, own in by_stance.items():
            own.add(_of(found, stance), _of(wanted, stance))
    voices = [right for _, _, rights in items for right in rights]
    return {
        "articles": len(items),
        **tally.figures(),
        "voice_accuracy": round(sum(voices) / len(voices), DIGITS) if voices else 0.0,
        "by_stance": {stance: own.figures() for stance, own in by_stance.items()},
    }


def _of(edges: set[Edge], stance: str) -> set[Edge]:
    return {edge for edge in edges if edge[2] == stance}


def read_documents(folder: Path) -> list[Document]:
    """Return the analysable articles of a folder's inputs as documents, in a fixed order."""
    articles = latest_articles(folder, ReadSettings(), CleanSettings())
    return [_document(articles[key]) for key in sorted(articles)]


def latest_articles(folder: Path, read: ReadSettings, clean: CleanSettings) -> dict[str, Article]:
    """Return the analysable articles of a folder's inputs, latest revision by canonical URL.

    Articles without a URL are keyed by their origin relative to `folder`.
    """
    latest: dict[str, Article] = {}
    for article in sorted(_articles(folder, read, clean), key=_recency):
        latest[article.canonical_url or article.origin] = article
    return latest


def _articles(folder: Path, read: ReadSettings, clean: CleanSettings) -> Iterable[Article]:
    fetched = datetime.now(UTC)
    for part in expand_inputs([folder], exclude=NOT_INPUT):
        for item in read_slice(part, read, fetched):
            if isinstance(item, RawItem):
                article = clean_item(item, clean)
                if isinstance(article, Article) and article.analysed:
                    yield article


def _recency(article: Article) -> tuple[datetime, str]:
    return article.modified_at or article.published_at or _EPOCH, article.origin


def _document(article: Article) -> Document:
    published = article.published_at or article.fetched_at
    return Document(article.item_id, article.title, article.text, published, article.outlet)
