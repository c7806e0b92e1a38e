"""Beam jobs in a process of their own: `python -m pipeline.job SPEC.json`, or `--serve` for many.

The supervisor starts it and reads what it leaves beside the spec: `result.json` with what was done
or what went wrong. A worker that dies takes this process with it and nothing else.

A process that serves reads a spec's path a line from stdin and answers each with its exit code on
stdout; what it has loaded (Beam, the catalog, the models) serves the next job too.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import Config, ConfigError
from transforms.processes import die_with_parent

if TYPE_CHECKING:
    from pipeline.graph import BatchContext
    from transforms.catalog import Catalog
    from transforms.stances.lexicon import Lexicon

RESULT = "result.json"
SERVE = "--serve"
LOG = "job.log"
CODING = "coding"  # beside the staged files, for as long as the job
PARENT_VARIABLE = "NEWSALIGN_PARENT"
DONE, STEP_FAILED, UNUSABLE, WORKER_DIED = 0, 1, 2, 3
# How Beam words the loss of a local worker; whatever else ends a job would end it again.
WORKER_LOSS_MARKS = (
    "Channel closed prematurely",
    "exited with",
    "Socket closed",
    "StatusCode.UNAVAILABLE",
    "StatusCode.CANCELLED",
)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job does: `kind` arrival (sources -> journal), batch (journal -> staging) or recode
    (stored stories -> staging); `stories` are [date of a partition, [story id, ...]], `parts` is
    of how many parts a new partition is.
    """

    kind: str
    config: dict[str, Any]
    config_base: str | None
    root: str
    run_id: str
    now: str
    items: int
    slices: list[list[Any]] = field(default_factory=list)
    feeds: list[dict[str, Any]] = field(default_factory=list)
    polls: str | None = None
    staging: str | None = None
    progress: str | None = None
    stories: list[list[Any]] = field(default_factory=list)
    parts: int = 1


def write_spec(path: Path, spec: JobSpec) -> None:
    """Write a spec for the job process to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(spec)), encoding="utf-8")


def run_arrival(spec: JobSpec, config: Config) -> dict[str, Any]:
    """Read files and feeds into the journal."""
    from pipeline.arrival import build_arrival
    from pipeline.journal import Journal
    from pipeline.runners import arrival_workers, beam_pipeline, is_local
    from pipeline.store.layout import Layout
    from transforms.read_feeds import FeedSource
    from transforms.sources import SourceSlice

    slices = [SourceSlice(*values) for values in spec.slices]
    feeds = [FeedSource(**values) for values in spec.feeds]
    polls = Path(spec.polls) if spec.polls else None
    journal = Journal(Layout(Path(spec.root)).journal).pending_folder
    runner, now = config.runner, datetime.fromisoformat(spec.now)
    workers = runner.workers or os.cpu_count() or 1
    if is_local(runner):
        workers = arrival_workers(runner, spec.items, len(feeds))
        runner = runner.model_copy(update={"workers": workers})
    with beam_pipeline(runner, spec.items) as pipeline:
        build_arrival(pipeline, config, slices, feeds, journal, now, polls, workers)
    return {}


def run_batch(spec: JobSpec, config: Config) -> dict[str, Any]:
    """Stage everything that a batch of journal slices changes."""
    from pipeline.graph import build_batch
    from pipeline.runners import beam_pipeline
    from transforms.segments import JournalSlice

    warm = bool(_loaded)
    context = _context(spec, config, warm)
    with beam_pipeline(config.runner, spec.items, warm) as pipeline:
        build_batch(pipeline, [JournalSlice(*values) for values in spec.slices], context)
    return {"coding_version": context.coding_version}


def run_recode(spec: JobSpec, config: Config) -> dict[str, Any]:
    """Stage everything that coding some stored stories anew changes."""
    from pipeline.graph import build_recode
    from pipeline.runners import beam_pipeline
    from transforms.recode import DayStories

    context = _context(spec, config, warm=False)
    days = [DayStories(day, frozenset(stories)) for day, stories in spec.stories]
    with beam_pipeline(config.runner, spec.items) as pipeline:
        build_recode(pipeline, days, context)
    return {"coding_version": context.coding_version}


def _context(spec: JobSpec, config: Config, warm: bool) -> BatchContext:
    from pipeline.coding import coding_version
    from pipeline.graph import BatchContext
    from pipeline.runners import in_process, is_shared
    from pipeline.store.layout import Layout
    from pipeline.store.pruned import pruned_before
    from pipeline.store.texts import StoreReader
    from transforms.analyse_articles import keep_coding, share_analysis, write_coding
    from transforms.nlp_package import check_installed
    from transforms.outlets import load_outlets
    from transforms.parts import in_use_since
    from transforms.schemas import ALIGNMENTS, ARTICLES

    base = Path(spec.config_base) if spec.config_base else None
    catalog, lexicon = _load_coding(config, base)
    check_installed(config.actors.spacy_model)
    version = coding_version(config, catalog, lexicon, base)
    today = datetime.fromisoformat(spec.now).date()
    assert spec.staging is not None
    root, staging = Path(spec.root), Path(spec.staging)
    coding = staging.with_name(CODING)
    parts = catalog, lexicon, config.actors, config.stance_settings(base)
    keep_coding(version, parts)
    if not in_process(config.runner, spec.items, warm):
        write_coding(coding, version, parts)
    if is_shared(config.runner, spec.items, warm):
        share_analysis(version)
    return BatchContext(
        config=config,
        run_id=spec.run_id,
        coding_version=version,
        root=root,
        staging=staging,
        coding=coding,
        reader=StoreReader(Layout(root)),
        outlets=load_outlets(config.outlets_path(base)),
        progress=Path(spec.progress) if spec.progress else None,
        new_parts=spec.parts,
        parts_since=in_use_since(ARTICLES, today),
        windows_since=in_use_since(ALIGNMENTS, today) if spec.parts > 1 else "",
        pruned=pruned_before(Layout(root)),
    )


KINDS = {"arrival": run_arrival, "batch": run_batch, "recode": run_recode}


_loaded: dict[tuple[Any, ...], tuple[Catalog, Lexicon]] = {}


def _load_coding(config: Config, base: Path | None) -> tuple[Catalog, Lexicon]:
    """Return catalog and lexicon, read once as long as their files stay as they are."""
    from transforms.catalog import Catalog
    from transforms.stances.lexicon import Lexicon

    paths, words = config.catalog_paths(base), config.lexicon_path(base)
    key = tuple(_stamp(file) for path in (*paths, words) for file in _files(path))
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = Catalog.load(paths), Lexicon.load(words)
    return _loaded[key]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*")) if path.is_dir() else [path]


def _stamp(path: Path) -> tuple[str, int, int]:
    facts = path.stat()
    return str(path), facts.st_mtime_ns, facts.st_size


def main(arguments: list[str]) -> int:
    """Run the job of a spec file, or serve; returns one of the exit codes above."""
    parent = os.environ.get(PARENT_VARIABLE)
    die_with_parent(int(parent) if parent else None)
    import_beam()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    if arguments[0] == SERVE:
        return _serve()
    return _run_spec(Path(arguments[0]))


def _serve() -> int:
    """Run the job of each spec that stdin names until it closes."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    for line in sys.stdin:
        spec_path = Path(line.rstrip("\n"))
        log = os.open(spec_path.parent / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        code = _run_spec(spec_path)
        print(code, file=answers, flush=True)
    return DONE


def _run_spec(spec_path: Path) -> int:
    spec = JobSpec(**json.loads(spec_path.read_text(encoding="utf-8")))
    result: dict[str, Any]
    try:
        config = Config.model_validate(spec.config)
        result = KINDS[spec.kind](spec, config)
        code = DONE
    except Exception as error:
        if _is_unusable(error):
            code = UNUSABLE
        else:
            code = WORKER_DIED if _lost_worker(error, spec) else STEP_FAILED
            logging.exception("job failed")
        result = {"error": last_line(error)}
    (spec_path.parent / RESULT).write_text(json.dumps(result), encoding="utf-8")
    return code


def _lost_worker(error: Exception, spec: JobSpec) -> bool:
    """Return whether a local worker was lost; another runner retries its workers itself."""
    from pipeline.config import RunnerSettings
    from pipeline.runners import is_local

    if not is_local(RunnerSettings.model_validate(spec.config["runner"])):
        return False
    return any(mark in str(error) for mark in WORKER_LOSS_MARKS)


def _is_unusable(error: Exception) -> bool:
    from transforms.catalog_files import CatalogError
    from transforms.nlp_package import PipelineMissingError
    from transforms.outlets import OutletsError
    from transforms.stances.lexicon import LexiconError
    from transforms.stances.model_files import ModelError

    return isinstance(
        error,
        ConfigError
        | CatalogError
        | LexiconError
        | ModelError
        | OutletsError
        | PipelineMissingError,
    )


def last_line(error: Exception) -> str:
    """Return what an error says last; one of gRPC's says it in its details."""
    details = getattr(error, "details", None)
    text = str(details() if callable(details) else error)
    lines = [line.strip() for line in text.splitlines() if line.strip(" <>")]
    return lines[-1][:500] if lines else type(error).__name__


def import_beam() -> None:
    """Import Beam with our caches and without pandas, a second's load for DataFrames."""
    from pipeline import beam_cache

    hidden = sys.modules.get("pandas")
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("apache_beam")
        beam_cache.install()
    finally:
        if hidden is None:
            del sys.modules["pandas"]
        else:
            sys.modules["pandas"] = hidden


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
