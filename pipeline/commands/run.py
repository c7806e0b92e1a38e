"""`newsalign run`: articles in, alignment counts out."""

from __future__ import annotations

import errno
import json as jsonlib
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.choices import Granularity, LogFormat
from pipeline.commands.inputs import (
    BEAM_OPTIONS,
    Feed,
    FeedLists,
    Inputs,
    RunnerName,
    Store,
    Workers,
    check_inputs,
    input_overrides,
    text_overrides,
)
from pipeline.commands.options import ConfigFile, Settings, parse_settings, read_config
from pipeline.errors import FAILED, UserError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.run import RunReport

SHOWN_ALIGNMENTS = 25
# What a disk does to a run that only the user can put right.
STORE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)


def run(
    ctx: typer.Context,
    inputs: Inputs = None,
    feed: Feed = None,
    feeds: FeedLists = None,
    all_feeds: Annotated[
        bool, typer.Option("--all-feeds", help="Ask all feeds of the registry, due or not.")
    ] = False,
    output: Store = None,
    runner: RunnerName = None,
    workers: Workers = None,
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="TIME", help="Pin the clock, for runs that must repeat."),
    ] = None,
    settings: Settings = None,
    show_alignments: Annotated[
        bool, typer.Option("--show-alignments", help="End with the latest counts by day.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = (
        False
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="json: events instead of progress.")
    ] = LogFormat.TEXT,
    config: ConfigFile = None,
) -> None:
    """Read articles, count who takes which stance toward whom.

    Inputs replace those of the config and the registry's feeds. Any Beam option can follow after
    "--". A run that was killed is finished by the next one; reading the same articles again
    changes nothing.
    """
    overrides = input_overrides(parse_settings(settings), inputs, feed, feeds, all_feeds)
    overrides |= text_overrides({"output.path": output, "runner.name": runner})
    if workers is not None:
        overrides["runner.workers"] = workers
    if now is not None:
        overrides["run.now"] = _parse_time(now)
    if ctx.meta.get(BEAM_OPTIONS):
        overrides["runner.options"] = ctx.meta[BEAM_OPTIONS]
    effective = read_config(config, overrides)
    check_inputs(effective, inputs)
    report = _run(effective, config, quiet, log_format)
    if json:
        print(jsonlib.dumps(report.as_dict(), ensure_ascii=False))
        return
    from pipeline.formats import console
    from pipeline.summary import print_summary

    screen = console()
    print_summary(screen, report.as_dict())
    if show_alignments:
        screen.print()
        _print_alignments(Path(effective.output.path), effective.aggregate.mixed_dead_band)


def _parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--now {text}: write it like 2026-11-20T00:00:00Z") from None


def _run(config: Config, file: Path | None, quiet: bool, log_format: LogFormat) -> RunReport:
    from pipeline.config import ConfigError
    from pipeline.logs import start_logging, tell
    from pipeline.progress import show_progress
    from pipeline.run import run as run_once
    from pipeline.store.lock import LockedError
    from pipeline.supervise import RunFailedError, UnusableError
    from pipeline.warm import WarmJobs

    # A service manager's stop ends a run as Ctrl-C does: workers gone, the run's record written.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    events = None
    if log_format is LogFormat.JSON:
        start_logging(json_lines=True)
        events = tell
    try:
        with show_progress(quiet or events is not None) as show, WarmJobs() as jobs:
            return run_once(config, file.parent if file else None, show, events, jobs=jobs)
    except (ConfigError, UnusableError) as error:
        raise UserError(str(error)) from None
    except (LockedError, RunFailedError) as error:
        raise UserError(str(error), FAILED) from None
    except OSError as error:
        if error.errno not in STORE_ERRORS:
            raise
        raise UserError(
            f"{error.filename or config.output.path}: {error.strerror}", FAILED
        ) from None


def _print_alignments(folder: Path, dead_band: float) -> None:
    from pipeline.alignment_table import print_counts
    from pipeline.alignments import Question, find_alignments
    from pipeline.formats import console
    from pipeline.query import ask_store

    rows = ask_store(
        folder, lambda store: find_alignments(store, Question(), dead_band).read_all().to_pylist()
    )
    screen = console()
    print_counts(screen, rows[:SHOWN_ALIGNMENTS], Granularity.DAY)
    if len(rows) > SHOWN_ALIGNMENTS:
        screen.print(
            f"and {len(rows) - SHOWN_ALIGNMENTS:,} more: newsalign alignments --output {folder}",
            style="dim",
            soft_wrap=True,
        )
