"""Analysis as a Beam step: batches of articles through one analyser a process."""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from transforms.analysis_helper import AnalysisHelper, analyse_together
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

Coding = tuple[Catalog, Lexicon, ActorSettings, StanceSettings]

BATCH = 64
ARTICLE_ROWS, STANCE_ROWS, ACTOR_ROWS, REJECTS = "article_rows", "stance_rows", "actors", "rejects"

_analysers: dict[str, Analyser] = {}
_kept: dict[str, Coding] = {}
_packed: dict[str, bytes] = {}
_helpers: dict[str, AnalysisHelper] = {}


class _Analyse(beam.DoFn):
    """Analyses batches; one analyser a process serves every instance with the same coding."""

    def __init__(self, coding: str, coding_version: str, progress: str | None) -> None:
        self._coding = coding
        self._coding_version = coding_version
        self._progress = progress

    def setup(self) -> None:
        die_with_parent()

    def process(self, tasks: Sequence[Task]) -> Iterator[Any]:
        tasks = sorted(tasks, key=lambda task: task.plan.article_id)
        analyser = self._analyser()
        helper = _helpers.get(self._coding_version)
        documents = [document_of(task) for task in tasks]
        results = analyse_together(analyser, helper, documents)
        for task, result in zip(tasks, results, strict=True):
            row = with_analysis(task.row, result)
            yield beam.pvalue.TaggedOutput(ARTICLE_ROWS, Task(task.plan, row))
            evidence = stance_rows(task, result.evidence, self._coding_version)
            yield beam.pvalue.TaggedOutput(STANCE_ROWS, Rows(evidence))
            yield beam.pvalue.TaggedOutput(ACTOR_ROWS, Rows(result.actor_rows))
            if result.error is not None:
                yield beam.pvalue.TaggedOutput(REJECTS, analysis_reject(task.row, result.error))
        note_progress(self._progress, len(tasks))

    def _analyser(self) -> Analyser:
        # Imported where it is used: whoever only builds the graph needs no spaCy.
        from transforms.analyse import Analyser

        if self._coding_version not in _analysers:
            _analysers.clear()
            coding = _kept.get(self._coding_version) or _read_coding(Path(self._coding))
            _analysers[self._coding_version] = Analyser(*coding)
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


def _read_coding(path: Path) -> Coding:
    coding: Coding = pickle.loads(zlib.decompress(path.read_bytes()))
    return coding


def keep_coding(coding_version: str, coding: Coding) -> None:
    """Keep what an analyser is made from for workers in this process."""
    _kept.clear()
    _kept[coding_version] = coding
    for version in [version for version in _helpers if version != coding_version]:
        _helpers.pop(version).close()


def share_analysis(coding_version: str) -> None:
    """Have a second process analyse half of what this one does; `keep_coding` comes first."""
    if coding_version not in _helpers:
        coding = _pack(coding_version, _kept[coding_version])
        _helpers[coding_version] = AnalysisHelper(coding)


def write_coding(path: Path, coding_version: str, coding: Coding) -> None:
    """Write what an analyser is made from where all workers can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_pack(coding_version, coding))


def _pack(coding_version: str, coding: Coding) -> bytes:
    if coding_version not in _packed:
        # Kept, since a process may run one job after another.
        _packed.clear()
        _packed[coding_version] = zlib.compress(pickle.dumps(coding), level=1)
    return _packed[coding_version]


class AnalyseArticles(beam.PTransform):
    """PCollection[Task] -> complete tasks, and per article its stance rows, actor rows, rejects.

    Tasks that need no analysis pass through with the actors that their row has. `coding` is the
    file of `write_coding`, unless `keep_coding` has it: in the step itself or in an element a
    catalog would be packed and unpacked with every graph and bundle, most of a second each.
    """

    def __init__(self, coding: str, coding_version: str, progress: str | None = None) -> None:
        super().__init__()
        self._dofn = _Analyse(coding, coding_version, progress)

    def expand(self, tasks: beam.PCollection[Task]) -> dict[str, beam.PCollection[Any]]:
        read = (
            tasks
            | "ToAnalyse" >> beam.Filter(lambda task: task.plan.analyse)
            | "Spread" >> beam.Reshuffle()
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Analyse"
            >> beam.ParDo(self._dofn).with_outputs(ARTICLE_ROWS, STANCE_ROWS, ACTOR_ROWS, REJECTS)
        )
        passed = tasks | "AsTheyAre" >> beam.Filter(lambda task: not task.plan.analyse)
        return {
            ARTICLE_ROWS: (read[ARTICLE_ROWS], passed) | "AllRows" >> beam.Flatten(),
            STANCE_ROWS: read[STANCE_ROWS],
            ACTOR_ROWS: read[ACTOR_ROWS],
            REJECTS: read[REJECTS],
        }
