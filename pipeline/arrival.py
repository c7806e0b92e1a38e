"""The read end of the graph: feeds and files -> journal. Nothing counts before it is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import apache_beam as beam

from pipeline.config import Config
from transforms.journal import AppendToJournal
from transforms.read_files import ReadFiles
from transforms.sources import SourceSlice


def build_arrival(
    pipeline: beam.Pipeline,
    config: Config,
    slices: Sequence[SourceSlice],
    feeds: Sequence[str],
    journal: Path,
    now: datetime,
) -> None:
    """Add the read end: files and feeds become journal segments under `journal`."""
    arrived = []
    if slices:
        read = pipeline | "ReadFiles" >> ReadFiles(slices, config.read, now)
        arrived += [read.items, read.rejects]
    if feeds:
        from transforms.read_feeds import FeedSource, ReadFeeds

        sources = [FeedSource(url) for url in feeds]
        shards = config.runner.workers or os.cpu_count() or 1
        polled = pipeline | "ReadFeeds" >> ReadFeeds(
            sources, config.network, config.read, now, shards
        )
        arrived += [polled.items, polled.rejects]
    if arrived:
        _ = arrived | "Arrived" >> beam.Flatten() | "Journal" >> AppendToJournal(str(journal), now)
