"""`newsalign prune`: let old partitions go."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.options import ConfigFile, Output, Settings, WaitSeconds
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.maintenance.prune import PrunePlan


def prune(
    keep: Annotated[
        str,
        typer.Option("--keep", metavar="TIME", help="What stays, up to today: 180d, 26w, 2y."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go and change nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Prune even if no article would be left.")
    ] = False,
    wait: WaitSeconds = 600.0,
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = (
        False
    ),
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Remove the partitions of every dataset older than --keep.

    Whole ISO weeks stay, so that days go on adding up to weeks. What the index knows of the old
    articles goes too; story aliases, actors and outlets stay.
    """
    from pipeline.commands.upkeep import open_upkeep, upkeep_errors
    from pipeline.maintenance.access import Visit, locked
    from pipeline.maintenance.prune import parse_keep, plan_prune, prune

    days = parse_keep(keep)
    layout, effective = open_upkeep(output, config, settings)
    now = today()
    horizon = effective.deduplicate.horizon_days
    freed = 0
    if dry_run:
        plan = plan_prune(layout, days, now, horizon)
    else:
        with upkeep_errors(), locked(layout, "prune", wait):
            plan = plan_prune(layout, days, now, horizon)
            if plan.files and not plan.left and not force:
                raise UserError(
                    f"--keep {keep}: no article would be left after {plan.before}; is the clock"
                    f" right, and {layout.root} the store? (--force does it)"
                )
            if plan.files:
                freed = prune(layout, plan, Visit("prune", effective.fingerprint()))
    report = _report(plan, dry_run, freed)
    if json:
        print(jsonlib.dumps(report))
    else:
        _print(report)


def today() -> date:
    """Return the UTC date."""
    return datetime.now(UTC).date()


def _report(plan: PrunePlan, dry_run: bool, index_bytes: int) -> dict[str, Any]:
    return {
        "before": plan.before.isoformat(),
        "dry_run": dry_run,
        "partitions": plan.partitions,
        "bytes": plan.bytes,
        "bytes_freed": sum(plan.bytes.values()) + index_bytes,
    }


def _print(report: dict[str, Any]) -> None:
    from pipeline.formats import console, print_table

    screen = console()
    if not report["partitions"]:
        screen.print(f"nothing is older than {report['before']}", soft_wrap=True)
        return
    rows = [
        [name, f"{count:,}", f"{report['bytes'].get(name, 0):,}"]
        for name, count in report["partitions"].items()
    ]
    print_table(screen, ["dataset", "partitions", "bytes"], rows, [False, True, True])
    done = "would free" if report["dry_run"] else "freed"
    screen.print(f"{done} {report['bytes_freed']:,} bytes from before {report['before']}")
