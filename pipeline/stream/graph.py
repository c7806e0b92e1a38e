"""The unbounded graph: ticks -> arrival -> windows -> commit of what the journal holds.

The commit builds a batch's graph, `pipeline.graph.build_batch`, over the journal's slices: what
a run, a schedule and a stream do with what arrived is the same.
"""

from __future__ import annotations

from functools import partial

import apache_beam as beam

from pipeline.stream.steps import JournalReader, StreamSpec, commit_pending
from transforms.stream_steps import Arrive, CommitWindows


def build_stream(pipeline: beam.Pipeline, spec: StreamSpec, for_s: float | None = None) -> None:
    """Build the stream's graph; it ends after `for_s` seconds, or never."""
    settings = spec.settings().stream
    _ = (
        pipeline
        | "Arrive" >> Arrive(partial(JournalReader, spec), settings.tick_s, for_s)
        | "CommitWindows" >> CommitWindows(settings.window_s, partial(commit_pending, spec))
    )
