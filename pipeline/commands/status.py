"""`newsalign status`: how a store, its runs and its feeds stand."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipeline.commands.options import (
    ConfigFile,
    Output,
    Settings,
    parse_settings,
    read_config,
    store_folder,
)
from pipeline.errors import UserError


def status(
    output: Output = None,
    runs: Annotated[
        int, typer.Option("--runs", min=0, metavar="N", help="How many of the last runs to show.")
    ] = 5,
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigFile = None,
) -> None:
    """Show the schedule, last runs, freshness, disk and feeds.

    Reads only, beside whatever is running.
    """
    from pipeline.formats import console
    from pipeline.status import gather
    from pipeline.status_view import print_status, status_values
    from pipeline.store.layout import Layout

    effective = read_config(config, parse_settings(settings))
    root = store_folder(output, effective).absolute()
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder; make one with 'newsalign run', or name yours with --output"
        )
    found = gather(effective, Layout(root), datetime.now(UTC), runs)
    if json:
        print(jsonlib.dumps(status_values(found), ensure_ascii=False))
    else:
        print_status(console(), found)
