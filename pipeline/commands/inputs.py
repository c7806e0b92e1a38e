"""What commands that read articles have in common: their inputs, and options passed on to Beam."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from pipeline.choices import LogFormat
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.config import Config

BEAM_OPTIONS = "beam_options"

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        show_default=False,
        help="Files, folders, globs: text, pages, JSON lines, CSV, Parquet, WARC, saved feeds.",
    ),
]
Feed = Annotated[
    list[str] | None, typer.Option("--feed", metavar="URL", help="Fetch a feed; repeatable.")
]
FeedLists = Annotated[
    list[str] | None,
    typer.Option("--feeds", metavar="FILE", help="Fetch the feeds of a list; repeatable."),
]
Store = Annotated[
    str | None, typer.Option("--output", "-o", metavar="DIR", help="The store to write to.")
]
RunnerName = Annotated[
    str | None, typer.Option("--runner", metavar="NAME", help="Beam runner; DirectRunner.")
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=0, metavar="N", help="Local processes; 0: one a core."),
]
ListenOn = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="[HOST:]PORT", help="Serve /metrics, /health and /live there."
    ),
]
LogFormatOption = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="Of what goes to stderr; default: text on a terminal."),
]


class PassesOptionsOn(TyperCommand):
    """A command whose arguments after "--" are Beam's, whatever they look like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what follows "--" for Beam and parse the rest."""
        if "--" in args:
            cut = args.index("--")
            args, ctx.meta[BEAM_OPTIONS] = args[:cut], args[cut + 1 :]
        return super().parse_args(ctx, args)


def input_overrides(
    settings: Mapping[str, Any],
    inputs: Sequence[str] | None,
    feed: Sequence[str] | None,
    feeds: Sequence[str] | None,
    all_feeds: bool = False,
) -> dict[str, Any]:
    """Return what `--set` and the inputs of a command line change.

    Inputs replace those of the config and, unless `--set` says otherwise, the registry's feeds.
    """
    overrides = dict(settings)
    if inputs or feed or feeds:
        overrides |= {"input.paths": list(inputs or [])}
        overrides |= {"input.feeds": list(feed or []), "input.feed_lists": list(feeds or [])}
        overrides.setdefault("feeds.read", "none")
    if all_feeds:
        overrides["feeds.read"] = "all"
    return overrides


def text_overrides(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return the given ones of some text values as overrides: "9464" stays text there."""
    return {
        key: json.dumps(value, ensure_ascii=False)
        for key, value in values.items()
        if value is not None
    }


def check_inputs(
    config: Config, inputs: Sequence[str] | None, feeds_may_come: bool = False
) -> None:
    """Raise UserError where there is nothing to read, or an input that isn't there.

    `feeds_may_come`: where the registry is read, feeds may be added to it later.
    """
    if not has_input(config) and not (feeds_may_come and config.feeds.read != "none"):
        raise UserError(
            "nothing to read: name an INPUT or a --feed, set input.paths, or use feeds add"
        )
    for name in inputs or ():
        if not ("://" in name or glob.has_magic(name) or Path(name).expanduser().exists()):
            raise UserError(f"{name}: no such file or folder")


def has_input(config: Config) -> bool:
    """Say whether the config names something to read, or the registry may."""
    from pipeline.feeds.place import may_hold_feeds
    from pipeline.store.layout import Layout

    named = config.input
    if named.paths or named.feeds or named.feed_lists:
        return True
    return config.feeds.read != "none" and may_hold_feeds(
        config.feeds, Layout(Path(config.output.path))
    )
