"""Analysis as a Beam step: batches of articles through one analyser a process."""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from transforms.article_rows import Task, document_of, stance_rows, with_analysis
from transforms.catalog import Catalog
from transforms.parquet_io import Row
from transforms.partitions import Rows
from transforms.processes import die_with_parent
from transforms.records import Reject
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

if TYPE_CHECKING:
    from transforms.analyse import Analyser

BATCH = 64
ARTICLE_ROWS, STANCE_ROWS, ACTOR_ROWS, REJECTS = "article_rows", "stance_rows", "actors", "rejects"

_analysers: dict[str, Analyser] = {}
_packed: dict[str, bytes] = {}


class _Analyse(beam.DoFn):
    """Analyses batches; one analyser a process serves every instance with the same coding."""

    def __init__(self, coding_version: str, progress: str | None) -> None:
        self._coding_version = coding_version
        self._progress = progress

    def setup(self) -> None:
        die_with_parent()

    def process(self, tasks: Sequence[Task], coding: bytes) -> Iterator[Any]:
        tasks = sorted(tasks, key=lambda task: task.plan.article_id)
        analyser = self._analyser(coding)
        results = analyser.analyse([document_of(task) for task in tasks])
        for task, result in zip(tasks, results, strict=True):
            row = with_analysis(task.row, result)
            yield beam.pvalue.TaggedOutput(ARTICLE_ROWS, Task(task.plan, row))
            evidence = stance_rows(task, result.evidence, self._coding_version)
            yield beam.pvalue.TaggedOutput(STANCE_ROWS, Rows(evidence))
            yield beam.pvalue.TaggedOutput(ACTOR_ROWS, Rows(result.actor_rows))
            if result.error is not None:
                yield beam.pvalue.TaggedOutput(REJECTS, analysis_reject(task.row, result.error))
        note_progress(self._progress, len(tasks))

    def _analyser(self, coding: bytes) -> Analyser:
        # Imported where it is used: whoever only builds the graph needs no spaCy.
        from transforms.analyse import Analyser

        if self._coding_version not in _analysers:
            _analysers.clear()
            _analysers[self._coding_version] = Analyser(*pickle.loads(zlib.decompress(coding)))
        return _analysers[self._coding_version]


def analysis_reject(row: Row, error: str) -> Reject:
    """Return the reject of an article whose text was stored but could not be analysed."""
    return Reject(
        stage="analyse",
        reason="analysis_failed",
        detail=error,
        origin=row["origin"],
        excerpt=(row["title"] or row["text"] or "")[:200],
        at=row["first_seen_at"],
        outlet=row["outlet"],
        feed_url=row["feed_url"],
    )


def note_progress(folder: str | None, done: int) -> None:
    """Add to this process's count of analysed articles; a parent sums the files to show it."""
    if folder is None:
        return
    path = Path(folder) / str(os.getpid())
    try:
        with path.open("a", encoding="ascii") as out:
            out.write(f"{done}\n")
    except OSError:
        return


def _pack(coding_version: str, coding: tuple[object, ...]) -> bytes:
    """Return what workers unpack; kept, since a process may build one graph after another."""
    if coding_version not in _packed:
        _packed.clear()
        _packed[coding_version] = zlib.compress(pickle.dumps(coding))
    return _packed[coding_version]


class AnalyseArticles(beam.PTransform):
    """PCollection[Task] -> complete tasks, and per article its stance rows, actor rows, rejects.

    Tasks that need no analysis pass through with the actors that their row has.
    """

    def __init__(
        self,
        catalog: Catalog,
        lexicon: Lexicon,
        actors: ActorSettings,
        stances: StanceSettings,
        coding_version: str,
        progress: str | None = None,
    ) -> None:
        super().__init__()
        self._coding = (catalog, lexicon, actors, stances)
        self._coding_version = coding_version
        self._dofn = _Analyse(coding_version, progress)

    def expand(self, tasks: beam.PCollection[Task]) -> dict[str, beam.PCollection[Any]]:
        # A side input: as part of the step it would be unpickled again with every bundle.
        packed = _pack(self._coding_version, self._coding)
        coding = tasks.pipeline | "Coding" >> beam.Create([packed])
        read = (
            tasks
            | "ToAnalyse" >> beam.Filter(lambda task: task.plan.analyse)
            | "Spread" >> beam.Reshuffle()
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Analyse"
            >> beam.ParDo(self._dofn, beam.pvalue.AsSingleton(coding)).with_outputs(
                ARTICLE_ROWS, STANCE_ROWS, ACTOR_ROWS, REJECTS
            )
        )
        passed = tasks | "AsTheyAre" >> beam.Filter(lambda task: not task.plan.analyse)
        return {
            ARTICLE_ROWS: (read[ARTICLE_ROWS], passed) | "AllRows" >> beam.Flatten(),
            STANCE_ROWS: read[STANCE_ROWS],
            ACTOR_ROWS: read[ACTOR_ROWS],
            REJECTS: read[REJECTS],
        }
