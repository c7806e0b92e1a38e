"""What the streaming steps call in a worker: reading what is due, committing what waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import Config
from pipeline.errors import one_line
from pipeline.feeds.survey import survey_feeds
from pipeline.journal import Journal
from pipeline.logs import DEBUG_EVENTS
from pipeline.store.layout import Layout
from pipeline.stream.arrivals import ArrivalFailed, ArrivalRestored, Arrivals, Arrived
from pipeline.stream.events import emit

if TYPE_CHECKING:
    from pipeline.warm import WarmJobs

LOCK_WAIT_S = 5.0
SURVEY_S = 30.0
# What comes in for older dates is little: it may cost the writing of a whole date.
JOIN_AGE = timedelta(days=7)
JOIN_S = 600.0  # from one look for dates to join to the next, where there was none
# What a run says in the words of the stream's own events, or better, isn't said twice.
PASSED_ON = frozenset({"batch_committed"})

_committing = threading.Lock()
_wanted = threading.Event()
_stopping = threading.Event()
_surveyed: dict[Path, float] = {}
_join_next: dict[Path, float] = {}


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What a worker needs to read and commit; plain values, so that it pickles."""

    config: dict[str, Any]
    config_base: str | None
    root: str
    ids: bool = False  # whether each stored article and rejected input is told of

    def settings(self) -> Config:
        """Return the validated config."""
        return Config.model_validate(self.config)

    @property
    def base(self) -> Path | None:
        """Return the folder that the config's relative names start from."""
        return Path(self.config_base) if self.config_base else None


class JournalReader:
    """Fills the journal at each tick and reports failures as events; a `Reader`."""

    def __init__(self, spec: StreamSpec) -> None:
        self._arrivals = Arrivals(spec.settings(), Path(spec.root))

    def tick(self) -> Iterator[int]:
        """Yield the number of records of each segment that has become durable."""
        if _stopping.is_set():
            return
        for event in self._arrivals.tick():
            if isinstance(event, Arrived):
                emit("arrived", records=event.records)
                yield event.records
            elif isinstance(event, ArrivalFailed):
                emit(
                    "arrival_failed",
                    shard=event.shard,
                    error=event.error,
                    retry_s=event.pause_s,
                )
            elif isinstance(event, ArrivalRestored):
                emit("arrival_restored", shard=event.shard)
            else:
                emit("polled", counts=event.counts)


def commit_pending(spec: StreamSpec, arrived: int) -> None:
    """Have what waits in the journal committed, and return at once; never raises.

    A thread does it, one commit at a time: while a bundle took as long as a commit, Prism kept a
    whole core busy.
    """
    _wanted.set()
    threading.Thread(target=_commit_wanted, args=(spec, arrived), daemon=True).start()


def commit_rest(spec: StreamSpec) -> None:
    """Wait for a commit under way and commit what is left in the journal."""
    with _committing:
        if not _stopping.is_set():
            _commit(spec, 0)


def _commit_wanted(spec: StreamSpec, arrived: int) -> None:
    # Where a commit is under way, whoever makes it looks again when it is done.
    while _wanted.is_set() and _committing.acquire(blocking=False):
        try:
            _wanted.clear()
            if not _stopping.is_set():
                _commit(spec, arrived)
        finally:
            _committing.release()


def _commit(spec: StreamSpec, arrived: int) -> None:
    from pipeline.run import drain
    from pipeline.store.lock import LockedError

    started = time.monotonic()
    config = spec.settings()
    try:
        report = drain(
            config,
            spec.base,
            command="stream",
            jobs=_jobs(),
            wait_s=LOCK_WAIT_S,
            on_event=partial(_pass_on, PASSED_ON | DEBUG_EVENTS if spec.ids else PASSED_ON),
            parts=config.stream.parts_per_day,
        )
    except LockedError as error:
        emit("waiting", reason=str(error))
        return
    except Exception as error:
        # Disk full, read-only, a broken lexicon, and what nobody thought of: the journal has it.
        emit("commit_failed", error=one_line(str(error) or type(error).__name__))
        return
    if report is None:
        emit("window", arrived=arrived)
    else:
        facts = report.as_dict()
        del facts["changed"]
        emit("committed", took_s=round(time.monotonic() - started, 3), **facts)
    _survey(config, Path(spec.root))
    _join(config, Layout(Path(spec.root)))


def _join(config: Config, layout: Layout) -> None:
    """Make one file of the parts of a date that is old, while nothing waits."""
    from pipeline.maintenance.compact import join_oldest
    from pipeline.store.lock import LockedError, writer_lock

    now = time.monotonic()
    if _stopping.is_set() or now < _join_next.get(layout.root, now):
        return
    moment = datetime.now(UTC)
    day = None
    try:
        with writer_lock(layout.lock, "stream"):
            if layout.intent.exists() or Journal(layout.journal).pending():
                return
            batch_id = f"join-{moment:%Y%m%dT%H%M%S%f}"
            day = join_oldest(layout, config, (moment - JOIN_AGE).date(), batch_id)
    except LockedError:
        return
    except Exception as error:
        emit("join_failed", error=one_line(str(error) or type(error).__name__))
    if day is None:
        _join_next[layout.root] = now + JOIN_S
    else:
        emit("joined", date=day, took_s=round(time.monotonic() - now, 3))


def _pass_on(wanted: Set[str], event: str, fields: Mapping[str, Any]) -> None:
    if event in wanted:
        emit(event, **fields)


def _survey(config: Config, root: Path) -> None:
    """Say now and then how the feeds stand."""
    now = time.monotonic()
    if now - _surveyed.get(root, -SURVEY_S) < SURVEY_S:
        return
    _surveyed[root] = now
    summary = survey_feeds(config, Layout(root), datetime.now(UTC))
    if summary is not None:
        emit("feeds_surveyed", **summary.as_values())


def stop_soon(wait_s: float) -> None:
    """Start nothing any more and wait for a commit under way, `wait_s` seconds at most."""
    _stopping.set()
    if _committing.acquire(timeout=wait_s):
        _jobs().close()


@cache
def _jobs() -> WarmJobs:
    from pipeline.warm import WarmJobs

    return WarmJobs()
