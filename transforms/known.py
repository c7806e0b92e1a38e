"""What a batch brings that the store has already: counted, and spared all further work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam

from transforms.records import Article
from transforms.store_view import StoreView

FRESH, COUNTS = "fresh", "counts"
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


def count_other_coding(known: Sequence[Article], view: StoreView, coding_version: str) -> int:
    """Return how many known articles were coded otherwise than this run would code them."""
    ids = set(view.by_keys({article.identity_keys[0] for article in known}).values())
    stored = view.articles(ids).values()
    return sum(a.analysed and a.coding_version != coding_version for a in stored)


class SkipKnown(beam.PTransform):
    """PCollection[Article] -> tagged fresh articles and counts ({"unchanged": n, …})."""

    def __init__(self, view: StoreView, coding_version: str) -> None:
        super().__init__()
        self._view = view
        self._coding_version = coding_version

    def expand(self, articles: beam.PCollection[Article]) -> Any:
        view, coding_version = self._view, self._coding_version

        def split(batch: Sequence[Article]) -> Iterator[Any]:
            fresh, known = split_known(batch, view)
            for article in fresh:
                yield beam.pvalue.TaggedOutput(FRESH, article)
            count = len(known)
            counts = {"items": count, "articles": count, "unchanged": count}
            yield beam.pvalue.TaggedOutput(
                COUNTS, {**counts, "other_coding": count_other_coding(known, view, coding_version)}
            )

        return (
            articles
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Split" >> beam.FlatMap(split).with_outputs(FRESH, COUNTS)
        )
