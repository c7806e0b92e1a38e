"""`newsalign verify`: is the store what it should be?"""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ConfigFile, Output, Settings, WaitSeconds
from pipeline.errors import FAILED, say_note

if TYPE_CHECKING:
    from pipeline.maintenance.problems import Findings


def verify(
    wait: WaitSeconds = 600.0,
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as one object.")] = (
        False
    ),
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Check that files, rows, counts and index are what they should be.

    Schemas, checksums, keys, references, counts made anew from the evidence, the journal.
    Exits with 1 and a list where something is wrong. Nothing is changed, and a schedule can go on
    beside it: the store is read as it was at one moment.
    """
    from pipeline.commands.upkeep import open_upkeep, upkeep_errors
    from pipeline.maintenance.verify import verify

    layout, effective = open_upkeep(output, config, settings)
    with upkeep_errors():
        findings = verify(layout, effective, wait)
    if json:
        print(jsonlib.dumps(findings.as_dict(), ensure_ascii=False))
    else:
        _print(findings)
    if not findings.ok:
        raise typer.Exit(FAILED)


def _print(findings: Findings) -> None:
    from pipeline.formats import safe_text

    for problem in findings.problems:
        print(safe_text(f"{problem.check}: {problem.where}: {problem.what}"))
    for name, count in findings.found.items():
        listed = sum(problem.check == name for problem in findings.problems)
        if count > listed:
            print(f"{name}: and {count - listed:,} more")
    for note in findings.notes:
        say_note(note)
    found = sum(findings.found.values())
    print(
        f"{findings.files:,} files, {findings.rows:,} rows, {len(findings.found)} kinds of checks:"
        f" {f'{found:,} problems' if found else 'nothing wrong'}"
    )
