"""The read end of the graph: feeds and files -> journal. Nothing counts before it is there."""

from __future__ import annotations

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
    from transforms.records import RawItem, Reject


def build_arrival(
    pipeline: beam.Pipeline,
    config: Config,
    slices: Sequence[SourceSlice],
    feeds: Sequence[FeedSource],
    journal: Path,
    now: datetime,
    polls: Path | None = None,
    shards: int = 1,
) -> None:
    """Add the read end: files and feeds become journal segments under `journal`.

    What the feeds' polls came to is written under `polls`. `shards` is how many parts of the
    feeds are asked side by side, one a worker.
    """
    # Each to the journal by itself: FnApiRunner holds all that is flattened in its own memory.
    arrived: dict[str, beam.PCollection[RawItem | Reject]] = {}
    if slices:
        read = pipeline | "ReadFiles" >> ReadFiles(slices, config.read, now)
        arrived |= {"JournalFiles": read.items, "JournalFileRejects": read.rejects}
    if feeds:
        from transforms.fetch_pages import FetchPages
        from transforms.poll_log import WritePolls
        from transforms.read_feeds import ReadFeeds

        polled = pipeline | "ReadFeeds" >> ReadFeeds(
            feeds, config.network, config.read, now, shards
        )
        if polls is not None:
            _ = polled.polls | "Polls" >> WritePolls(str(polls))
        items = polled.items
        if config.network.full_text:
            items = items | "FetchPages" >> FetchPages(config.network, shards)
        arrived |= {"JournalFeeds": items, "JournalFeedRejects": polled.rejects}
    for name, records in arrived.items():
        _ = records | name >> AppendToJournal(str(journal), now)
