"""Reading stored texts back for verification: by article id, from the partitions that hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.store.index import IndexView
from pipeline.store.layout import Layout
from transforms.parquet_io import partition_path, read_rows
from transforms.schemas import ARTICLES


class StoreReader:
    """What deduplication asks of the store; pickles as two paths."""

    def __init__(self, layout: Layout) -> None:
        self._root = str(layout.root)
        self.view = IndexView(layout.index)

    def candidates(self, bands: Sequence[int]) -> Iterable[tuple[int, str, datetime]]:
        """Return (band, article id, published_at) of stored articles that share a band."""
        return self.view.band_members(bands)

    def texts(self, ids: Collection[str]) -> Iterator[tuple[str, str, str, datetime]]:
        """Yield (article id, title, text, published_at) of stored articles."""
        by_day: dict[str, set[str]] = {}
        for article_id, day in self.view.days(ids).items():
            by_day.setdefault(day, set()).add(article_id)
        columns = ("article_id", "title", "text", "published_at")
        for day in sorted(by_day):
            path = partition_path(Path(self._root), ARTICLES, day)
            for row in read_rows(ARTICLES, path, columns, ("article_id", by_day[day])):
                yield row["article_id"], row["title"] or "", row["text"] or "", row["published_at"]
