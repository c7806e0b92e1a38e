"""`newsalign explain`: the sentences behind a count."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.choices import Stance
from pipeline.commands.options import (
    ConfigFile,
    JsonLines,
    Output,
    Since,
    Until,
    actor_finder,
    ask_output,
    read_config,
)
from pipeline.errors import say_note

if TYPE_CHECKING:
    import duckdb

STORY = "story"


def explain(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Who takes the stance: any name or id; or 'story'."),
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Toward whom: any name or id; or a story's id.")
    ],
    since: Since = None,
    until: Until = None,
    stance: Annotated[
        Stance | None, typer.Option("--stance", "-s", help="Only this stance.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Add what was read but not counted.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, metavar="N", help="Stories at most; 0: all.")
    ] = 20,
    json: JsonLines = False,
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Show the sentences behind a count, or why a story is one.

    Grouped by story, latest first, each with outlet, date, URL, voice and confidence. A state
    includes everyone who rolls up to it; an actor's own id or name shows that actor alone.
    """
    if source == STORY:
        explain_one_story(target, limit, json, output, config)
        return
    from pipeline.explain import Request, find_evidence, first_stories, print_evidence
    from pipeline.formats import console, to_json

    settings = read_config(config)

    def ask(connection: duckdb.DuckDBPyConnection) -> tuple[list[dict[str, Any]], bool]:
        finder = actor_finder(connection, settings, config)
        request = Request(
            sources=[finder.find(source).id],
            targets=[finder.find(target).id],
            since=since,
            until=until,
            stance=stance,
            everything=everything,
            limit=limit and limit + 1,
        )
        return first_stories(find_evidence(connection, request), limit)

    rows, more = ask_output(output, config, ask)
    if json:
        for row in rows:
            sys.stdout.write(to_json(row) + "\n")
    else:
        print_evidence(console(), rows)
    if more:
        say_note(f"the latest {limit} stories; --limit 0 shows all")


def explain_one_story(
    name: str, limit: int, json: bool, output: Path | None, config: Path | None
) -> None:
    """Show why each article of a story belongs to it."""
    from pipeline.explain_story import explain_story, find_story, print_story
    from pipeline.formats import console, to_json

    settings, name = read_config(config).deduplicate, name.strip().lower()
    rows = ask_output(
        output,
        config,
        lambda store: explain_story(store, find_story(store, name), settings, limit),
    )
    if json:
        for row in rows:
            sys.stdout.write(to_json(row) + "\n")
    else:
        print_story(console(), name, rows)
    if (more := (rows[0]["story_articles"] or 1) - len(rows)) > 0:
        say_note(f"the first {limit} articles, {more} more; --limit 0 shows all")
