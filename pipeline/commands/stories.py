"""`newsalign stories`: what was carried, by how many outlets, and who was first."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import typer

from pipeline.commands.options import (
    ConfigFile,
    JsonLines,
    Output,
    Since,
    Until,
    ask_output,
    parse_day,
)
from pipeline.errors import UserError, say_note


def stories(
    day: Annotated[
        date | None,
        typer.Option(
            "--date", "-d", metavar="DAY", parser=parse_day, help="First published on this UTC day."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    min_outlets: Annotated[
        int, typer.Option("--min-outlets", min=1, metavar="N", help="Carried by so many outlets.")
    ] = 1,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, metavar="N", help="Stories at most; 0: all.")
    ] = 50,
    json: JsonLines = False,
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """List the stories of a day, those of the most outlets first.

    A story is the articles that carry the same text. Its day is that of its first article; spread
    is the time from there to its last. 'newsalign explain story ID' shows why each belongs to it.
    """
    from pipeline.formats import console, to_json
    from pipeline.stories import Question, find_stories, print_stories

    if day is not None and (since is not None or until is not None):
        raise UserError("--date is one day: leave out --since and --until, or --date")
    question = Question(
        since=day or since,
        until=day or until,
        min_outlets=min_outlets,
        limit=limit and limit + 1,
    )
    found = ask_output(output, config, lambda store: find_stories(store, question))
    rows = found[:limit] if limit else found
    if json:
        for row in rows:
            sys.stdout.write(to_json(row) + "\n")
    else:
        print_stories(console(), rows)
    if len(found) > len(rows):
        say_note(f"the {limit} stories of the most outlets; --limit 0 shows all")
