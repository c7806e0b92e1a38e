"""`newsalign compact`: one file a partition."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ConfigFile, Output, Settings, WaitSeconds
from pipeline.errors import FAILED, say_error

if TYPE_CHECKING:
    from pipeline.maintenance.compact import CompactReport


def compact(
    wait: WaitSeconds = 600.0,
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = (
        False
    ),
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Make every partition one file in the present schema, and tidy up.

    A stream writes dates in parts while news comes in for them, and makes one file of each after a
    week; here it's done for all dates that are over. Stores that were put together by copying, or
    that other tools wrote to, have more files, too: what is counted from those is counted anew.
    Empty folders and the index's unused space go.
    """
    from pipeline.commands.upkeep import open_upkeep, upkeep_errors
    from pipeline.maintenance.access import Visit, locked
    from pipeline.maintenance.compact import compact

    layout, effective = open_upkeep(output, config, settings)
    with upkeep_errors(), locked(layout, "compact", wait):
        report = compact(layout, effective, Visit("compact", effective.fingerprint()))
    if json:
        print(jsonlib.dumps(report.as_dict()))
    else:
        _print(report)
    for line in report.unreadable:
        say_error(f"can't be read, left as it is: {line}")
    if report.unreadable:
        raise typer.Exit(FAILED)


def _print(report: CompactReport) -> None:
    if report.partitions:
        print(
            f"{report.partitions:,} partitions made anew: {report.files[0]:,} files are"
            f" {report.files[1]:,}, {report.bytes[0]:,} bytes are {report.bytes[1]:,}"
        )
    else:
        print("every partition is one file in the present form")
    if report.same_key:
        print(f"{report.same_key:,} rows stood in more than one file")
    if report.empty_folders:
        print(f"{report.empty_folders:,} empty folders removed")
    if report.index_bytes_freed > 0:
        print(f"the index is {report.index_bytes_freed:,} bytes smaller")
