"""`newsalign config`: the effective config, and whether it can be used."""

from __future__ import annotations

import json as jsonlib

import typer

from pipeline.commands.options import (
    ConfigFile,
    JsonLines,
    Settings,
    parse_settings,
    read_config,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Show or check the config.")


@app.command()
def show(config: ConfigFile = None, settings: Settings = None, json: JsonLines = False) -> None:
    """Print the effective config as TOML.

    What the file says, with --set over it and a default for every other key. It can be saved and
    passed to --config again.
    """
    from pipeline.toml_text import to_toml

    effective = read_config(config, parse_settings(settings))
    if json:
        print(jsonlib.dumps(effective.model_dump(mode="json"), ensure_ascii=False))
    else:
        print(to_toml(effective.model_dump()), end="")


@app.command()
def check(config: ConfigFile = None, settings: Settings = None) -> None:
    """Say whether a run could start.

    Reads the config and every file that it names, and loads the spaCy pipeline.
    """
    from pipeline.commands.loading import check_config

    effective = read_config(config, parse_settings(settings))
    catalog = check_config(effective, config)
    print(f"ok: config {effective.fingerprint()}, {len(catalog.actors):,} actors")
