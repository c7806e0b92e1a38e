"""The read end of the graph: feeds and files -> journal. Nothing counts before it is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import apache_beam as beam

from pipeline.config import Config
from transforms.journal import AppendToJournal
from transforms.read_files import ReadFiles
from transforms.sources import SourceSlice

if TYPE_CHECKING:
    from transforms.read_feeds import FeedSource


def build_arrival(
    pipeline: beam.Pipeline,
    config: Config,
    slices: Sequence[SourceSlice],
    feeds: Sequence[FeedSource],
    journal: Path,
    now: datetime,
    polls: Path | None = None,
) -> None:
    """Add the read end: files and feeds become journal segments under `journal`.

    What the feeds' polls came to is written under `polls`.
    """
    arrived = []
    if slices:
        read = pipeline | "ReadFiles" >> ReadFiles(slices, config.read, now)
        arrived += [read.items, read.rejects]
    if feeds:
        from transforms.fetch_pages import FetchPages
        from transforms.poll_log import WritePolls
        from transforms.read_feeds import ReadFeeds

        shards = config.runner.workers or os.cpu_count() or 1
        polled = pipeline | "ReadFeeds" >> ReadFeeds(
            feeds, config.network, config.read, now, shards
        )
        if polls is not None:
            _ = polled.polls | "Polls" >> WritePolls(str(polls))
        items = polled.items
        if config.network.full_text:
            items = items | "FetchPages" >> FetchPages(config.network, shards)
        arrived += [items, polled.rejects]
    if arrived:
        _ = arrived | "Arrived" >> beam.Flatten() | "Journal" >> AppendToJournal(str(journal), now)
