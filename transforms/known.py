"""What a batch brings that the store has already, or had and let go: spared all further work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import apache_beam as beam

from transforms.records import Article, Reject
from transforms.store_view import StoreView

FRESH, COUNTS, LATE = "fresh", "counts", "late"
BATCH = 256


def split_known(
    articles: Sequence[Article], view: StoreView
) -> tuple[list[Article], list[Article]]:
    """Return (fresh, known): an article is known when the store has its text under its keys."""
    found = view.by_keys({key for article in articles for key in article.identity_keys})
    stored = view.articles(set(found.values()))
    fresh: list[Article] = []
    known: list[Article] = []
    for article in articles:
        holders = {found.get(key) for key in article.identity_keys}
        only = holders.pop() if len(holders) == 1 else None
        match = stored.get(only) if only is not None else None
        same = match is not None and match.content_hash == article.content_hash
        (known if same else fresh).append(article)
    return fresh, known


def split_late(
    articles: Sequence[Article], view: StoreView, before: datetime | None
) -> tuple[list[Article], list[Reject]]:
    """Return the articles that the store takes, and rejects (`too_late`) in the place of others.

    What was published before `before` was pruned: a source that still shows it would bring it back.
    What the store knows is taken, as it may be revised.
    """
    if before is None:
        return list(articles), []
    old = [a for a in articles if a.published_at is not None and a.published_at < before]
    found = view.by_keys({key for article in old for key in article.identity_keys})
    late = [article for article in old if found.keys().isdisjoint(article.identity_keys)]
    ids = {article.item_id for article in late}
    taken = [article for article in articles if article.item_id not in ids]
    return taken, [_late(article, before) for article in late]


def _late(article: Article, before: datetime) -> Reject:
    return Reject(
        stage="clean",
        reason="too_late",
        detail=f"published {article.published_at}, and the store was pruned up to {before.date()}",
        origin=article.origin,
        excerpt=article.title or article.text,
        at=article.fetched_at,
        outlet=article.outlet,
        feed_url=article.feed_url,
    )


def count_other_coding(known: Sequence[Article], view: StoreView, coding_version: str) -> int:
    """Return how many known articles were coded otherwise than this run would code them."""
    ids = set(view.by_keys({article.identity_keys[0] for article in known}).values())
    stored = view.articles(ids).values()
    return sum(a.analysed and a.coding_version != coding_version for a in stored)


class SkipKnown(beam.PTransform):
    """PCollection[Article] -> tagged fresh articles, counts ({"unchanged": n, …}) and rejects.

    Rejects are what comes from before `pruned`, the first day that the store keeps.
    """

    def __init__(self, view: StoreView, coding_version: str, pruned: date | None = None) -> None:
        super().__init__()
        self._before = datetime.combine(pruned, time(), UTC) if pruned else None
        self._view = view
        self._coding_version = coding_version

    def expand(self, articles: beam.PCollection[Article]) -> Any:
        view, coding_version, before = self._view, self._coding_version, self._before

        def split(batch: Sequence[Article]) -> Iterator[Any]:
            fresh, known = split_known(batch, view)
            taken, late = split_late(fresh, view, before)
            for reject in late:
                yield beam.pvalue.TaggedOutput(LATE, reject)
            for article in taken:
                yield beam.pvalue.TaggedOutput(FRESH, article)
            count = len(known)
            counts = {"items": count, "articles": count, "unchanged": count}
            yield beam.pvalue.TaggedOutput(
                COUNTS, {**counts, "other_coding": count_other_coding(known, view, coding_version)}
            )

        return (
            articles
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Split" >> beam.FlatMap(split).with_outputs(FRESH, COUNTS, LATE)
        )
