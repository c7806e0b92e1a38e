"""`newsalign alignments`: who supports or opposes whom, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.choices import Format, Granularity, Level, Voices, choose_format
from pipeline.commands.options import (
    ConfigFile,
    FormatOption,
    JsonLines,
    Output,
    Since,
    ToFile,
    Until,
    actor_finder,
    ask_output,
    read_config,
)

if TYPE_CHECKING:
    import duckdb

Names = Annotated[
    list[str] | None,
    typer.Option("--actor", "-a", metavar="NAME", help="On either side of the dyad; repeatable."),
]


def alignments(
    actor: Names = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="NAME", help="Who takes the stance; repeatable."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="NAME", help="Toward whom; repeatable."),
    ] = None,
    since: Since = None,
    until: Until = None,
    granularity: Annotated[
        Granularity, typer.Option("--granularity", "-g", help="Length of a window.")
    ] = Granularity.DAY,
    level: Annotated[
        Level, typer.Option("--level", help="Actors as named, or the states they roll up to.")
    ] = Level.ROLLUP,
    voice: Annotated[
        Voices, typer.Option("--voice", help="direct: outlets and sources; all: third parties too.")
    ] = Voices.DIRECT,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, metavar="X", help="Recount at this threshold."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, metavar="N", help="Rows at most; 0: all.")
    ] = 0,
    form: FormatOption = None,
    json: JsonLines = False,
    to: ToFile = None,
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Show who supports or opposes whom, per window.

    Each row counts one dyad's stories in one window: a story counts once, however many outlets
    carry it. Actors go by any name: Russia, RUS, Kremlin.
    """
    from pipeline.alignment_table import print_counts
    from pipeline.alignments import Question, find_alignments
    from pipeline.formats import console, write_rows

    wanted = choose_format(form, to, json)
    settings = read_config(config)

    def ask(connection: duckdb.DuckDBPyConnection) -> None:
        finder = actor_finder(connection, settings, config)
        rolled_up = level is Level.ROLLUP
        question = Question(
            either=finder.ids(actor or [], rolled_up),
            sources=finder.ids(source or [], rolled_up),
            targets=finder.ids(target or [], rolled_up),
            since=since,
            until=until,
            granularity=granularity,
            level=level,
            voice=voice,
            min_confidence=min_confidence,
            limit=limit,
        )
        reader = find_alignments(connection, question, settings.aggregate.mixed_dead_band)
        if wanted is Format.TABLE and to is None:
            print_counts(console(), reader.read_all().to_pylist(), granularity)
        else:
            write_rows(reader, wanted, to)

    ask_output(output, config, ask)
