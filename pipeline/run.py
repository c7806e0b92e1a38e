"""`newsalign run`: arrival, then batches until the journal has nothing left, then the run's record.

A run first finishes what a killed run left: a begun commit, then pending journal records.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import Config, ConfigError
from pipeline.feeds.place import FeedsError, database_url, may_hold_feeds
from pipeline.files import keep_newest
from pipeline.job import JobSpec
from pipeline.journal import (
    SLICE_RECORDS,
    Journal,
    count_records,
    offsets_after,
    split_slices,
    take_batch,
)
from pipeline.maintenance.snapshot import drop_abandoned
from pipeline.run_record import RunRecord, record_run
from pipeline.runners import check_runner, is_local
from pipeline.store.commit import commit_staged, finish
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from pipeline.supervise import (
    Job,
    RunFailedError,
    RunsJobs,
    halve_until_done,
    halves,
    new_job,
    run_job,
    run_logged_job,
)
from pipeline.watched import ChangedFile, Watched, watched_files
from transforms.partitions import Place
from transforms.records import Reject
from transforms.remote_files import is_remote, use_options
from transforms.segments import JournalSlice, read_slice, write_segment
from transforms.sources import SourceSlice, estimate_bytes, expand_inputs, missing_extras

if TYPE_CHECKING:
    from pipeline.feeds.state import FeedStore
    from transforms.read_feeds import FeedSource

KEPT_LOGS = 100  # of jobs that failed
BYTES_PER_ITEM = 3_000  # a rough news article; only decides how many workers an arrival gets


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: a stage ("reading", "analysing", "committing") and articles done in it.

    `total` is None where it isn't known; `batch` counts from 1.
    """

    stage: str
    done: int = 0
    total: int | None = None
    batch: int = 0


OnProgress = Callable[[Progress], None]
OnEvent = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What holds for a run that a schedule starts.

    Feeds that fall due within `due_within_s` are asked, those that the config names too only
    then; files are read that are new or have changed since a schedule or stream of this store read
    them. A store that another process writes to is waited for, `lock_wait_s` long.
    """

    due_within_s: float = 0.0
    lock_wait_s: float = 0.0


@dataclass(slots=True)
class RunReport:
    """What a run did: counts by name, rejects by reason, and the partitions that it changed.

    Counts: items, articles, new, revised, noted, unchanged, copies, stories, evidence, counted,
    rejects, windows (days of alignments rewritten), batches; where feeds were asked also
    feeds_polled, feeds_not_modified, feeds_failed, feeds_retired, feeds_paused.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime | None = None
    status: str = "running"
    counts: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    changed: set[Place] = field(default_factory=set)
    coding_version: str | None = None

    def add(self, counts: dict[str, int]) -> None:
        """Add a batch's counts."""
        for name, number in counts.items():
            if name.startswith("reject:"):
                reason = name.removeprefix("reject:")
                self.rejects[reason] = self.rejects.get(reason, 0) + number
            else:
                self.counts[name] = self.counts.get(name, 0) + number

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        finished = self.finished_at
        return {
            "run_id": self.run_id,
            "status": self.status,
            "started_at": self.started_at.isoformat(),
            "finished_at": finished.isoformat() if finished else None,
            "seconds": (finished - self.started_at).total_seconds() if finished else None,
            "counts": dict(sorted(self.counts.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "windows": self.windows,
            "changed": sorted(f"{p.dataset}/{p.day}" for p in self.changed),
            "coding_version": self.coding_version,
        }

    @property
    def windows(self) -> int:
        """Return the number of dates whose alignments were rewritten."""
        return sum(place.dataset == "alignments" for place in self.changed)


def run(
    config: Config,
    config_base: Path | None = None,
    on_progress: OnProgress | None = None,
    on_event: OnEvent | None = None,
    scheduled: Scheduled | None = None,
    jobs: RunsJobs = run_job,
) -> RunReport:
    """Read the configured inputs once and commit what they bring; returns the report.

    `on_event` gets what happens as a name and plain values, `run_id` among them: run_started,
    arrived, batch_committed and, for each article that a batch wrote, article_stored; for each
    input that it rejected, input_rejected. Times are in seconds.

    Raises ConfigError, LockedError, UnusableError or RunFailedError, each with a one-line text.
    What was committed before an error stays, and the next run goes on from there. `jobs` runs the
    Beam jobs, each in a process of its own unless said otherwise.
    """
    check_runner(config.runner)
    config.check_files(config_base)
    feeds = feed_urls(config)
    for problem in missing_extras(config.input.paths):
        raise ConfigError(f"input.paths: {problem}")
    if any(map(is_remote, config.input.paths)):
        use_options(config.runner.options)
    slices = expand_inputs(config.input.paths, exclude=config.input.exclude)
    layout = Layout(Path(config.output.path).absolute())
    try:
        layout.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"output.path: {layout.root}: {error.strerror}") from None
    command = "run" if scheduled is None else "schedule"
    with writer_lock(layout.lock, command, scheduled.lock_wait_s if scheduled else 0.0):
        one = _Run(config, config_base, layout, on_progress, on_event, command)
        one.scheduled, one.run_job = scheduled, jobs
        return one.do(slices, feeds)


def drain(
    config: Config,
    config_base: Path | None,
    *,
    command: str,
    jobs: RunsJobs,
    wait_s: float,
    on_event: OnEvent | None = None,
    parts: int = 1,
) -> RunReport | None:
    """Commit what waits in the journal, which others go on filling; None where nothing does.

    Waits `wait_s` for another writer. Dates that are new to the store get `parts` parts
    (`transforms.parts`). Raises as `run` does.
    """
    layout = Layout(Path(config.output.path).absolute())
    with writer_lock(layout.lock, command, wait_s):
        if not layout.intent.exists() and not Journal(layout.journal).pending():
            return None
        one = _Run(config, config_base, layout, None, on_event, command)
        one.run_job, one.parts = jobs, parts
        return one.do([], [])


def feed_urls(config: Config) -> list[str]:
    """Return the configured feed URLs, those of feed lists included, each once and in order."""
    urls = list(config.input.feeds)
    for name in config.input.feed_lists:
        try:
            lines = Path(name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"input.feed_lists: {name}: can't be read: {error}") from None
        urls += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys(urls))


class _Run:
    """One run's state; `do` is its whole life."""

    def __init__(
        self,
        config: Config,
        config_base: Path | None,
        layout: Layout,
        on_progress: OnProgress | None,
        on_event: OnEvent | None,
        command: str,
    ) -> None:
        started = datetime.now(UTC)
        self.config = config
        self.config_base = config_base
        self.layout = layout
        self.journal = Journal(layout.journal)
        self.now = config.run.now or started
        self.tell = on_progress or (lambda progress: None)
        self.report = RunReport(
            run_id=f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}", started_at=started
        )
        self.on_event = on_event
        self.scheduled: Scheduled | None = None
        self.command = command
        self.run_job: RunsJobs = run_job
        self.parts = 1
        self.jobs = 0
        self.feeds: FeedStore | None = None

    def do(self, slices: Sequence[SourceSlice], feeds: Sequence[str]) -> RunReport:
        report = self.report
        self._event("run_started", command=self.command)
        finish(self.layout)
        self._ensure_index()
        shutil.rmtree(self.layout.staging, ignore_errors=True)
        self.journal.clean(self.config.output.journal_keep_days)
        keep_newest(self.layout.logs, KEPT_LOGS)
        drop_abandoned(self.layout)
        try:
            self._drain()
            files = self._changed(slices) if self.scheduled else []
            parts = [file.source for file in files] if self.scheduled else slices
            self._arrive([*parts, *self._due(feeds)])
            if files:
                self._watched().note(files)
            self._drain()
        except BaseException as error:
            report.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._record()
            raise
        report.status = "done"
        self._record()
        shutil.rmtree(self.layout.staging, ignore_errors=True)
        return report

    def _event(self, name: str, **fields: Any) -> None:
        if self.on_event is not None:
            self.on_event(name, {"run_id": self.report.run_id, **fields})

    def _ensure_index(self) -> None:
        from pipeline.store.rebuild import ensure_index

        settings = self.config.deduplicate
        ensure_index(self.layout, settings, lambda: self.tell(Progress("rebuilding the index")))

    def _job(self) -> Job:
        self.jobs += 1
        return new_job(self.layout.staging, self.jobs)

    def _spec(self, kind: str, items: int, **values: Any) -> JobSpec:
        return JobSpec(
            kind=kind,
            config=self.config.model_dump(mode="json"),
            config_base=str(self.config_base) if self.config_base else None,
            root=str(self.layout.root),
            run_id=self.report.run_id,
            now=self.now.isoformat(),
            items=items,
            **values,
        )

    def _supervised(
        self, job: Job, spec: JobSpec, on_tick: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        timeout_s = self.config.runner.job_timeout_s
        return run_logged_job(job, spec, timeout_s, self.layout.logs, on_tick, self.run_job)

    def _due(self, named: Sequence[str]) -> list[FeedSource]:
        """Return the feeds to ask, with what is known of them."""
        settings = self.config.feeds
        registry = settings.read != "none" and may_hold_feeds(settings, self.layout)
        if not (named or registry):
            return []
        from pipeline.feeds.polling import plan_polls
        from pipeline.feeds.state import FeedStore, store_id

        try:
            self.feeds = FeedStore(database_url(settings, self.layout))
            self.feeds.adopt(store_id(self.layout.state))
            within = self.scheduled.due_within_s if self.scheduled else None
            plan = plan_polls(self.feeds, named, settings, self.now, within)
        except FeedsError as error:
            raise ConfigError(f"feeds.database: {error}") from None
        self.report.add(plan.counts)
        return plan.sources

    def _watched(self) -> Watched:
        return watched_files(self.config, self.layout)

    def _changed(self, slices: Sequence[SourceSlice]) -> list[ChangedFile]:
        """Return what a schedule reads of these; what isn't there is a reject, run by run."""
        missing = [ChangedFile(part, "") for part in slices if part.problem == "not_found"]
        return [*self._watched().among(slices), *missing] if slices else []

    def _save_polls(self, folder: Path) -> None:
        """Save what polls came to; what they brought is in the journal by now."""
        from pipeline.feeds.polling import poll_counts
        from transforms.poll_log import read_polls

        polls = list(read_polls(folder))
        if self.feeds is None or not polls:
            return
        try:
            self.feeds.save_polls(polls, self.config.feeds)
        except FeedsError as error:
            raise RunFailedError(f"feeds.database: {error}") from None
        self.report.add(poll_counts(polls))

    def _arrive(self, sources: Sequence[SourceSlice | FeedSource]) -> None:
        """Bring files and feeds into the journal."""
        if not sources:
            return
        began = time.monotonic()

        def attempt(part: Sequence[SourceSlice | FeedSource]) -> None:
            self.tell(Progress("reading", 0, None))
            job = self._job()
            polls = job.folder / "polls"
            files = [source for source in part if isinstance(source, SourceSlice)]
            spec = self._spec(
                "arrival",
                items=estimate_bytes(files) // BYTES_PER_ITEM,
                slices=[list(astuple(source)) for source in files],
                feeds=[asdict(source) for source in part if not isinstance(source, SourceSlice)],
                polls=str(polls),
            )
            self._supervised(job, spec)
            self._save_polls(polls)

        def culprit(source: SourceSlice | FeedSource, reason: str) -> None:
            origin = source.origin if isinstance(source, SourceSlice) else source.url
            self._journal_reject("read", reason, origin)

        halve_until_done(sources, attempt, culprit, halves)
        self._event("arrived", sources=len(sources), seconds=time.monotonic() - began)

    def _drain(self) -> None:
        """Commit batches until the journal has nothing pending."""
        batch = 0
        while pending := self.journal.pending():
            batch += 1
            limit = self.config.runner.batch_articles if is_local(self.config.runner) else None
            total = count_records(pending)
            part = take_batch(pending, limit or total)

            def attempt(slices: Sequence[JournalSlice], number: int = batch) -> None:
                self._batch(slices, number)

            halve_until_done(part, attempt, self._reject_record, _split_records)

    def _batch(self, part: Sequence[JournalSlice], number: int) -> None:
        began = time.monotonic()
        job = self._job()
        staging = job.folder / "out"
        progress = job.folder / "progress"
        progress.mkdir()
        total = count_records(part)
        self.tell(Progress("analysing", 0, total, number))

        def tick() -> None:
            self.tell(Progress("analysing", sum_progress(progress), total, number))

        spec = self._spec(
            "batch",
            items=total,
            slices=[[s.path, s.start, s.end] for s in split_slices(part, SLICE_RECORDS)],
            staging=str(staging),
            progress=str(progress),
            parts=self.parts,
        )
        result = self._supervised(job, spec, tick)
        analysed = time.monotonic()
        self.tell(Progress("committing", total, total, number))
        done = commit_staged(
            self.layout, f"{self.report.run_id}-{job.folder.name}", staging, offsets_after(part)
        )
        self.report.changed.update(done.changed)
        self.report.add({**done.counts, "batches": 1})
        self.report.coding_version = result.get("coding_version")
        self._tell_batch(number, done.counts, done.index, (began, analysed))

    def _tell_batch(
        self, number: int, counts: dict[str, int], index: dict[str, Any], times: tuple[float, float]
    ) -> None:
        if self.on_event is None:
            return
        for article in index["articles"]:
            ids = {name: article[name] for name in ("article_id", "story_id")}
            self._event("article_stored", batch=number, **ids)
        for reject_id in index["rejects"]:
            self._event("input_rejected", batch=number, reject_id=reject_id)
        self._event(
            "batch_committed",
            batch=number,
            counts=dict(sorted(counts.items())),
            analyse_seconds=times[1] - times[0],
            commit_seconds=time.monotonic() - times[1],
        )

    def _reject_record(self, part: JournalSlice, reason: str) -> None:
        """Pass over the one record that kills its worker; its reject comes with the next batch."""
        record = next(iter(read_slice(part)))
        if isinstance(record, Reject):
            raise RunFailedError(f"a batch of one reject can't be committed: {reason}")
        self._journal_reject("clean", reason, record.origin)
        self.journal.advance(offsets_after([part]))

    def _journal_reject(self, stage: str, reason: str, origin: str) -> None:
        reject = Reject(
            stage=stage,
            reason="worker_crash",
            detail=reason,
            origin=origin,
            excerpt="",
            at=self.now,
        )
        write_segment(self.journal.pending_folder, [reject], datetime.now(UTC))

    def _record(self) -> None:
        """Write the run's own row; after a failure, an unwritable store keeps the first error."""
        report = self.report
        report.finished_at = datetime.now(UTC)
        record = RunRecord(
            run_id=report.run_id,
            started_at=report.started_at,
            finished_at=report.finished_at,
            status=report.status,
            command=self.command,
            config_hash=self.config.fingerprint(),
            coding_version=report.coding_version,
            counts={**report.counts, "windows": report.windows},
        )
        try:
            record_run(self.layout, record)
        except (OSError, sqlite3.Error):
            if report.status == "done":
                raise


def _split_records(part: Sequence[JournalSlice]) -> list[Sequence[JournalSlice]]:
    """Halve journal slices by records, in order."""
    total = count_records(part)
    if total < 2:
        return [part]
    first = take_batch(part, total // 2)
    done = offsets_after(first)
    rest = []
    for piece in part:
        start = max(piece.start, done.get(Path(piece.path).name, piece.start))
        if start < piece.end:
            rest.append(JournalSlice(piece.path, start, piece.end))
    return [first, rest]


def sum_progress(folder: Path) -> int:
    """Return how many articles a job's processes say they have analysed."""
    total = 0
    for path in folder.iterdir():
        total += sum(int(line) for line in path.read_text().split() if line.isdigit())
    return total
