"""`newsalign rebuild`: code stored articles anew."""

from __future__ import annotations

import json as jsonlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.options import (
    ConfigFile,
    Output,
    Settings,
    Since,
    Until,
    WaitSeconds,
)
from pipeline.errors import FAILED, UserError, say_error

if TYPE_CHECKING:
    from datetime import date

    from pipeline.config import Config
    from pipeline.maintenance.rebuild import RebuildReport
    from pipeline.store.layout import Layout


def rebuild(
    since: Since = None,
    until: Until = None,
    all_stories: Annotated[
        bool, typer.Option("--all", help="Also stories that have this coding already.")
    ] = False,
    wait: WaitSeconds = 600.0,
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = (
        False
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Code stored articles anew, with the config as it is now.

    It is for after a change of lexicon, catalog, model or thresholds. --since and --until are days
    of a story's first publication. Stories stay as they are; their actors, stances and all that
    is counted from them are made as a run would make them now. A rebuild that was killed goes on
    where it stopped.
    """
    from pipeline.commands.upkeep import open_upkeep

    if since and until and since > until:
        raise UserError(f"--since {since} is later than --until {until}")
    layout, effective = open_upkeep(output, config, settings)
    base = config.parent if config else None
    report = _rebuild(layout, effective, base, (since, until), all_stories, wait, quiet)
    if json:
        print(jsonlib.dumps(report.as_dict()))
    else:
        _print(report)
    for story, reason in report.skipped:
        say_error(f"story {story} keeps its older coding: it ended its worker twice ({reason})")
    if report.skipped:
        raise typer.Exit(FAILED)


def _rebuild(
    layout: Layout,
    config: Config,
    base: Path | None,
    days: tuple[date | None, date | None],
    everything: bool,
    wait: float,
    quiet: bool,
) -> RebuildReport:
    from pipeline.commands.upkeep import upkeep_errors
    from pipeline.config import ConfigError
    from pipeline.maintenance.rebuild import rebuild
    from pipeline.progress import show_progress
    from pipeline.supervise import RunFailedError, UnusableError
    from transforms.catalog_files import CatalogError
    from transforms.stances.lexicon import LexiconError
    from transforms.stances.model_files import ModelError

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with upkeep_errors(), show_progress(quiet) as show:
            return rebuild(layout, config, base, days, everything, wait, show)
    except (ConfigError, UnusableError, CatalogError, LexiconError, ModelError) as error:
        raise UserError(str(error)) from None
    except RunFailedError as error:
        raise UserError(str(error), FAILED) from None


def _print(report: RebuildReport) -> None:
    counts: dict[str, Any] = report.counts
    if report.skipped and not counts:
        print("no story was read anew")
        return
    if not counts:
        print(f"nothing to do: all is of coding {report.coding_version}")
        return
    print(
        f"{counts['stories']:,} stories of {counts['articles']:,} articles read anew:"
        f" {counts.get('evidence', 0):,} stances, {counts.get('counted', 0):,} of them counted;"
        f" {counts['windows']:,} days of alignments changed"
    )
    if report.actors_dropped:
        print(f"{report.actors_dropped:,} actors are named no more")
