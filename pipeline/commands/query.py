"""`newsalign query`: SQL over the store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.choices import choose_format
from pipeline.commands.options import (
    ConfigFile,
    FormatOption,
    MaxRows,
    Output,
    ToFile,
    ask_output,
)

if TYPE_CHECKING:
    from pipeline.query import ViewInfo


def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL",
            show_default=False,
            help="One reading statement, '-' for standard input; without it, the views are listed.",
        ),
    ] = None,
    output: Output = None,
    form: FormatOption = None,
    to: ToFile = None,
    max_rows: MaxRows = 200,
    config: ConfigFile = None,
) -> None:
    """Ask the store anything in SQL.

    One DuckDB view per dataset, times in UTC. Nothing that a statement says can write to a
    file, load an extension or reach the network.
    """
    from pipeline.formats import write_rows
    from pipeline.query import list_views, select

    wanted = choose_format(form, to)
    if sql is None:
        _print_views(ask_output(output, config, list_views))
        return
    text = sys.stdin.read() if sql == "-" else sql
    ask_output(output, config, lambda store: write_rows(select(store, text), wanted, to, max_rows))


def _print_views(views: list[ViewInfo]) -> None:
    from pipeline.formats import console, print_table

    rows = [[view.name, view.rows, ", ".join(name for name, _ in view.columns)] for view in views]
    screen = console()
    if not screen.is_terminal:
        print_table(screen, ["view", "rows", "columns"], rows, [False, True, False])
        return
    for view in views:
        screen.print(f"[bold]{view.name}[/]  {view.rows:,} rows", markup=True)
        columns = ", ".join(
            f"{name} {kind.replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ')}"
            for name, kind in view.columns
        )
        screen.print(f"  {columns}", style="dim")
