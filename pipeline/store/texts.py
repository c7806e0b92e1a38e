"""Reading stored texts back for verification: by article id, from the partitions that hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.store.index import IndexView
from pipeline.store.layout import Layout
from transforms.parts import read_files, stored_files
from transforms.schemas import ARTICLES


class StoreReader:
    """What deduplication asks of the store; pickles as two paths."""

    def __init__(self, layout: Layout) -> None:
        self._root = str(layout.root)
        self.view = IndexView(layout.index)

    def candidates(
        self, bands: Sequence[int], since: datetime, until: datetime
    ) -> Iterator[tuple[int, str, datetime]]:
        """Yield (band, article id, published_at) of stored articles that share one of the bands."""
        return self.view.band_members(bands, since, until)

    def texts(self, ids: Collection[str]) -> Iterator[tuple[str, ...]]:
        """Yield (article id, title, text, outlet) of stored articles."""
        by_day: dict[str, set[str]] = {}
        for article_id, day in self.view.days(ids).items():
            by_day.setdefault(day, set()).add(article_id)
        columns = ("article_id", "title", "text", "outlet")
        for day in sorted(by_day):
            files = stored_files(Path(self._root), ARTICLES, day)
            for row in read_files(ARTICLES, files, columns, ("article_id", by_day[day])):
                yield tuple(row[name] or "" for name in columns)
