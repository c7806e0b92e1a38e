"""The command `newsalign`: what a person or a scheduler types."""

from __future__ import annotations

import logging
import os
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from pipeline.commands import actors, config, feeds
from pipeline.commands.alignments import alignments
from pipeline.commands.compact import compact
from pipeline.commands.evaluate import evaluate
from pipeline.commands.explain import explain
from pipeline.commands.extract import extract
from pipeline.commands.inputs import PassesOptionsOn
from pipeline.commands.prune import prune
from pipeline.commands.query import query
from pipeline.commands.rebuild import rebuild
from pipeline.commands.run import run
from pipeline.commands.schedule import schedule
from pipeline.commands.status import status
from pipeline.commands.stories import stories
from pipeline.commands.stream import stream
from pipeline.commands.train_stance import train_stance
from pipeline.commands.verify import verify
from pipeline.errors import DEBUG_VARIABLE, Program

app = typer.Typer(
    name="newsalign",
    cls=Program,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        print(f"newsalign {version('newsalign')}")
    except PackageNotFoundError:
        print("newsalign (not installed)")
    raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """News articles in, actor alignment out: who supports or opposes whom, counted in Parquet."""
    # Libraries warn of what a user can't change (Beam: of missing cloud clients); commands say
    # themselves what concerns the input.
    level = logging.INFO if os.environ.get(DEBUG_VARIABLE) else logging.ERROR
    logging.basicConfig(level=level, format="newsalign: %(name)s: %(message)s")


app.command(cls=PassesOptionsOn)(run)
app.command(cls=PassesOptionsOn)(schedule)
app.command()(status)
app.command(cls=PassesOptionsOn)(stream)
app.command()(query)
app.command()(alignments)
app.command()(explain)
app.command()(stories)
app.command()(extract)
app.command()(evaluate)
app.command(name="train-stance")(train_stance)
app.command()(compact)
app.command()(rebuild)
app.command()(verify)
app.command()(prune)
app.add_typer(config.app, name="config")
app.add_typer(actors.app, name="actors")
app.add_typer(feeds.app, name="feeds")


def main() -> None:
    """Run the program; the exit codes are those of `pipeline.errors`."""
    app()
