"""`newsalign run`: articles in, alignment counts out."""

from __future__ import annotations

import glob
import json as jsonlib
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from pipeline.choices import Granularity
from pipeline.commands.options import ConfigFile, Settings, parse_settings, read_config
from pipeline.errors import FAILED, UserError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.run import RunReport

BEAM_OPTIONS = "beam_options"
SHOWN_ALIGNMENTS = 25


class PassesOptionsOn(TyperCommand):
    """A command whose arguments after "--" are Beam's, whatever they look like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what follows "--" for Beam and parse the rest."""
        if "--" in args:
            cut = args.index("--")
            args, ctx.meta[BEAM_OPTIONS] = args[:cut], args[cut + 1 :]
        return super().parse_args(ctx, args)


def run(
    ctx: typer.Context,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            show_default=False,
            help="Files, folders, globs: text, pages, JSON lines, CSV, Parquet, WARC, saved feeds.",
        ),
    ] = None,
    feed: Annotated[
        list[str] | None, typer.Option("--feed", metavar="URL", help="Fetch a feed; repeatable.")
    ] = None,
    feeds: Annotated[
        list[str] | None,
        typer.Option("--feeds", metavar="FILE", help="Fetch the feeds of a list; repeatable."),
    ] = None,
    all_feeds: Annotated[
        bool, typer.Option("--all-feeds", help="Ask all feeds of the registry, due or not.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="The store to write to.")
    ] = None,
    runner: Annotated[
        str | None, typer.Option("--runner", metavar="NAME", help="Beam runner; DirectRunner.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=0, metavar="N", help="Local processes; 0: one a core."),
    ] = None,
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
    config: ConfigFile = None,
) -> None:
    """Read articles, count who takes which stance toward whom.

    Inputs replace those of the config and the registry's feeds. Any Beam option can follow after
    "--". A run that was killed is finished by the next one; reading the same articles again
    changes nothing.
    """
    overrides: dict[str, Any] = dict(parse_settings(settings))
    if inputs or feed or feeds:
        overrides |= {"input.paths": inputs or []}
        overrides |= {"input.feeds": feed or [], "input.feed_lists": feeds or []}
        overrides.setdefault("feeds.read", "none")
    if all_feeds:
        overrides["feeds.read"] = "all"
    named = {"output.path": output, "runner.name": runner, "runner.workers": workers}
    overrides |= {key: value for key, value in named.items() if value is not None}
    if now is not None:
        overrides["run.now"] = _parse_time(now)
    if ctx.meta.get(BEAM_OPTIONS):
        overrides["runner.options"] = ctx.meta[BEAM_OPTIONS]
    effective = read_config(config, overrides)
    if not _has_input(effective):
        raise UserError(
            "nothing to read: name an INPUT or a --feed, set input.paths, or use feeds add"
        )
    for name in inputs or ():
        if not ("://" in name or glob.has_magic(name) or Path(name).expanduser().exists()):
            raise UserError(f"{name}: no such file or folder")
    report = _run(effective, config, quiet)
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


def _has_input(config: Config) -> bool:
    from pipeline.feeds.place import may_hold_feeds
    from pipeline.store.layout import Layout

    named = config.input
    if named.paths or named.feeds or named.feed_lists:
        return True
    return config.feeds.read != "none" and may_hold_feeds(
        config.feeds, Layout(Path(config.output.path))
    )


def _parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--now {text}: write it like 2026-11-20T00:00:00Z") from None


def _run(config: Config, file: Path | None, quiet: bool) -> RunReport:
    from pipeline.config import ConfigError
    from pipeline.progress import show_progress
    from pipeline.run import run as run_once
    from pipeline.store.lock import LockedError
    from pipeline.supervise import RunFailedError, UnusableError

    # A service manager's stop ends a run as Ctrl-C does: workers gone, the run's record written.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with show_progress(quiet) as show:
            return run_once(config, file.parent if file else None, show)
    except (ConfigError, UnusableError) as error:
        raise UserError(str(error)) from None
    except (LockedError, RunFailedError) as error:
        raise UserError(str(error), FAILED) from None


def _print_alignments(folder: Path, dead_band: float) -> None:
    from pipeline.alignment_table import print_counts
    from pipeline.alignments import Question, find_alignments
    from pipeline.formats import console
    from pipeline.query import open_store

    with open_store(folder) as connection:
        rows = find_alignments(connection, Question(), dead_band).read_all().to_pylist()
    screen = console()
    print_counts(screen, rows[:SHOWN_ALIGNMENTS], Granularity.DAY)
    if len(rows) > SHOWN_ALIGNMENTS:
        screen.print(
            f"and {len(rows) - SHOWN_ALIGNMENTS:,} more: newsalign alignments --output {folder}",
            style="dim",
            soft_wrap=True,
        )
