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


class SkipKnown(beam.PTransform):
    """PCollection[Article] -> tagged fresh articles and counts ({"unchanged": n, …})."""

    def __init__(self, view: StoreView) -> None:
        super().__init__()
        self._view = view

    def expand(self, articles: beam.PCollection[Article]) -> Any:
        view = self._view

        def split(batch: Sequence[Article]) -> Iterator[Any]:
            fresh, known = split_known(batch, view)
            for article in fresh:
                yield beam.pvalue.TaggedOutput(FRESH, article)
            count = len(known)
            yield beam.pvalue.TaggedOutput(
                COUNTS, {"items": count, "articles": count, "unchanged": count}
            )

        return (
            articles
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Split" >> beam.FlatMap(split).with_outputs(FRESH, COUNTS)
        )
