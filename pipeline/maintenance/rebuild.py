"""`newsalign rebuild`: stored articles coded anew, as a run with this config would code them today.

Stories stay as they are; what is read in them (actors, stances) and counted from that is made
anew, in batches that are committed one by one. What has this coding already is passed over, so a
rebuild that was killed goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.coding import coding_version
from pipeline.config import Config
from pipeline.job import JobSpec
from pipeline.maintenance.access import Visit, locked
from pipeline.query import open_store
from pipeline.run import Progress, sum_progress
from pipeline.runners import check_runner
from pipeline.store.commit import Commit, StagedFile, commit, commit_staged
from pipeline.store.index import IndexView
from pipeline.store.layout import Layout
from pipeline.store.lock import LockedError
from pipeline.store.rebuild import ensure_index, partition_days
from pipeline.supervise import halve_until_done, halves, new_job, run_logged_job
from transforms.catalog import Catalog
from transforms.parquet_io import partition_path, read_rows, write_rows
from transforms.parts import read_files, stored_files
from transforms.schemas import ACTORS, ALIGNMENTS, ARTICLES
from transforms.stances.lexicon import Lexicon

# The lock is given up between batches, so that a schedule's runs come in between.
BATCH_ARTICLES = 5_000

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Story:
    """A stored story: its articles' number by the date of their partition, and their codings."""

    story_id: str
    days: dict[str, int]
    versions: frozenset[str]

    @property
    def articles(self) -> int:
        """Return how many articles it has."""
        return sum(self.days.values())


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild did. `skipped` are stories that killed their worker, with the reason.

    Counts: articles, stories, analysed (articles that were read anew), evidence, counted,
    rejects, batches, windows (days of alignments rewritten).
    """

    run_id: str
    coding_version: str
    since: date | None
    until: date | None
    counts: dict[str, int] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    actors_dropped: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "run_id": self.run_id,
            "coding_version": self.coding_version,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "counts": dict(sorted(self.counts.items())),
            "skipped": [list(one) for one in self.skipped],
            "actors_dropped": self.actors_dropped,
        }


def rebuild(
    layout: Layout,
    config: Config,
    config_base: Path | None,
    days: tuple[date | None, date | None] = (None, None),
    everything: bool = False,
    wait_s: float = 600.0,
    tell: Tell = lambda progress: None,
) -> RebuildReport:
    """Code anew the stories first published from `days[0]` to `days[1]`, both inclusive.

    `everything` also codes those that have this coding. Raises ConfigError, LockedError,
    UnusableError or RunFailedError; batches that were committed before stay.
    """
    check_runner(config.runner)
    catalog = Catalog.load(config.catalog_paths(config_base))
    lexicon = Lexicon.load(config.lexicon_path(config_base))
    config.outlets_path(config_base)
    version = coding_version(config, catalog, lexicon, config_base)
    return _Rebuild(layout, config, config_base, days, version, tell).do(everything, wait_s)


class _Rebuild:
    """One rebuild's state; `do` is its whole life."""

    def __init__(
        self,
        layout: Layout,
        config: Config,
        config_base: Path | None,
        days: tuple[date | None, date | None],
        version: str,
        tell: Tell,
    ) -> None:
        self.layout = layout
        self.config = config
        self.config_base = config_base
        self.visit = Visit("rebuild", config.fingerprint())
        self.report = RebuildReport(self.visit.run_id, version, *days)
        self.tell = tell
        self.jobs = 0
        self.done: set[str] = set()
        self.from_day = ""

    def do(self, everything: bool, wait_s: float) -> RebuildReport:
        try:
            while True:
                with locked(self.layout, "rebuild", wait_s):
                    ensure_index(self.layout, self.config.deduplicate)
                    # Anew each time: a schedule's runs may have changed stories in between.
                    batch = self._choose(everything)
                    if not batch:
                        self.report.actors_dropped = drop_unnamed_actors(self.layout, self.visit)
                        self._record("done")
                        return self.report
                    halve_until_done(batch, self._attempt, self._skip, halves)
                    self.done.update(story.story_id for story in batch)
        except LockedError:
            raise
        except BaseException as error:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            # What went wrong first is what counts, not that it can't be written down.
            with (
                contextlib.suppress(LockedError, OSError, sqlite3.Error),
                locked(self.layout, "rebuild", 0.0),
            ):
                self._record(status)
            raise

    def _choose(self, everything: bool) -> list[Story]:
        """Return the next stories to code anew, by day, about a batch of articles."""
        view = IndexView(self.layout.index)
        limit = min(self.config.runner.batch_articles, BATCH_ARTICLES)
        chosen: list[Story] = []
        articles = 0
        for day in self._days():
            files = stored_files(self.layout.root, ARTICLES, day)
            rows = read_files(ARTICLES, files, ("story_id", "is_canonical"))
            firsts = {row["story_id"] for row in rows if row["is_canonical"]} - self.done
            for story in stories_of(view.codings(firsts)):
                if not everything and story.versions == {self.report.coding_version}:
                    continue
                chosen.append(story)
                articles += story.articles
                if articles >= limit:
                    return chosen
            self.from_day = day
        return chosen

    def _days(self) -> Iterator[str]:
        since, until = self.report.since, self.report.until
        for day in partition_days(self.layout.root, ARTICLES.name):
            if since is not None and day < since.isoformat():
                continue
            if until is not None and day > until.isoformat():
                return
            if day >= self.from_day:
                yield day

    def _attempt(self, stories: Sequence[Story]) -> None:
        self.jobs += 1
        job = new_job(self.layout.staging, self.jobs)
        staging = job.folder / "out"
        progress = job.folder / "progress"
        progress.mkdir()
        total = sum(story.articles for story in stories)

        def tick() -> None:
            self.tell(Progress("analysing", sum_progress(progress), total, self.jobs))

        spec = JobSpec(
            kind="recode",
            config=self.config.model_dump(mode="json"),
            config_base=str(self.config_base) if self.config_base else None,
            root=str(self.layout.root),
            run_id=self.visit.run_id,
            now=self.visit.started_at.isoformat(),
            items=total,
            staging=str(staging),
            progress=str(progress),
            stories=by_day(stories),
        )
        timeout_s = self.config.runner.job_timeout_s
        result = run_logged_job(job, spec, timeout_s, self.layout.logs, tick)
        self.tell(Progress("committing", total, total, self.jobs))
        done = commit_staged(self.layout, f"{self.visit.run_id}-{job.folder.name}", staging, {})
        windows = sum(place.dataset == ALIGNMENTS.name for place in done.changed)
        counts = {**done.counts, "batches": 1, "windows": windows}
        for name, number in counts.items():
            self.report.counts[name] = self.report.counts.get(name, 0) + number
        self.report.coding_version = result["coding_version"]

    def _skip(self, story: Story, reason: str) -> None:
        self.report.skipped.append((story.story_id, reason))

    def _record(self, status: str) -> None:
        counts = {**self.report.counts, "skipped": len(self.report.skipped)}
        self.visit.record(self.layout, counts, status, self.report.coding_version)


def stories_of(codings: Iterable[tuple[str, str, str]]) -> list[Story]:
    """Return stories, by id, from (story id, date, coding version) of their articles."""
    days: dict[str, dict[str, int]] = defaultdict(dict)
    versions: dict[str, set[str]] = defaultdict(set)
    for story_id, day, version in codings:
        days[story_id][day] = days[story_id].get(day, 0) + 1
        versions[story_id].add(version)
    return [Story(s, days[s], frozenset(versions[s])) for s in sorted(days)]


def by_day(stories: Sequence[Story]) -> list[list[Any]]:
    """Return [date, [story id, ...]] for every partition that holds an article of a story."""
    found: dict[str, list[str]] = defaultdict(list)
    for story in stories:
        for day in story.days:
            found[day].append(story.story_id)
    return [[day, sorted(found[day])] for day in sorted(found)]


def drop_unnamed_actors(layout: Layout, visit: Visit) -> int:
    """Remove actors that no article and no evidence names any more; returns how many."""
    rows = read_rows(ACTORS, partition_path(layout.root, ACTORS, None))
    if not rows:
        return 0
    with contextlib.closing(open_store(layout.root)) as connection:
        named = {
            name
            for (name,) in connection.execute(
                """SELECT unnest(actors) FROM articles UNION SELECT unnest(rollups) FROM articles
                   UNION SELECT unnest([source_actor, source_rollup, target_actor, target_rollup,
                                        speaker_actor]) FROM stances"""
            ).fetchall()
        }
    kept = [row for row in rows if row["actor"] in named]
    if len(kept) == len(rows):
        return 0
    staging = layout.staging / f"{visit.run_id}-actors"
    staged = partition_path(staging, ACTORS, None)
    path = staged.relative_to(staging).as_posix()
    file = StagedFile(ACTORS.name, "", path, write_rows(ACTORS, kept, staged))
    relative = staging.relative_to(layout.root).as_posix()
    commit(layout, Commit(f"{visit.run_id}-actors", relative, [file], None, {}))
    return len(rows) - len(kept)
