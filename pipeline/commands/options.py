"""Options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pipeline.choices import Format
from pipeline.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from pipeline.actor_names import ActorFinder
    from pipeline.config import Config

Answer = TypeVar("Answer")


def parse_day(text: str) -> date:
    """Return the day of an ISO date; raises typer.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a date like 2026-11-01") from None


ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="TOML config; default: the shipped one."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="The store; default: output.path of the config."
    ),
]
Since = Annotated[
    date | None,
    typer.Option("--since", metavar="DAY", parser=parse_day, help="From this UTC day on."),
]
Until = Annotated[
    date | None,
    typer.Option("--until", metavar="DAY", parser=parse_day, help="Up to this UTC day, inclusive."),
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Default: table, or what the name in --to says."),
]
ToFile = Annotated[
    Path | None, typer.Option("--to", metavar="FILE", help="Write the result to this file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a config key, as section.key=value; repeatable.",
    ),
]
WaitSeconds = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="How long to wait while another process writes to the store.",
    ),
]
CatalogFiles = Annotated[
    list[Path] | None,
    typer.Option("--catalog", metavar="FILE", help="Add actors from a file or folder; repeatable."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
MaxRows = Annotated[
    int,
    typer.Option("--max-rows", min=0, metavar="N", help="Rows that a table shows at most; 0: all."),
]


def read_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the config of a file (the shipped one by default) with flags over it."""
    from pipeline.config import ConfigError, load_config

    try:
        return load_config(path, dict(overrides or {}))
    except ConfigError as error:
        raise UserError(str(error)) from None


def parse_settings(pairs: list[str] | None) -> dict[str, str]:
    """Return what `--set` says as dotted keys and values; raises UserError."""
    found: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or "." not in key:
            raise UserError(f"--set {pair}: write it as section.key=value")
        found[key.strip()] = value.strip()
    return found


def store_folder(output: Path | None, config: Config) -> Path:
    """Return the folder of the store: the flag's, else the config's."""
    return output if output is not None else Path(config.output.path)


def ask_output(
    output: Path | None, config: Path | None, ask: Callable[[duckdb.DuckDBPyConnection], Answer]
) -> Answer:
    """Ask the store as `ask_store` does; the config is read only where it is needed or named."""
    from pipeline.query import ask_store

    if output is None or config is not None:
        output = store_folder(output, read_config(config))
    return ask_store(output, ask)


def catalog_paths(config: Config, file: Path | None, extra: list[Path] | None = None) -> list[Path]:
    """Return the catalog's files and folders, the config's first, then those of `--catalog`."""
    from pipeline.config import ConfigError

    for path in extra or []:
        if not path.exists():
            raise UserError(f"--catalog {path}: no such file or folder")
    try:
        return [*config.catalog_paths(file.parent if file else None), *(extra or [])]
    except ConfigError as error:
        raise UserError(str(error)) from None


def actor_finder(
    connection: duckdb.DuckDBPyConnection, config: Config, file: Path | None
) -> ActorFinder:
    """Return what turns the names that a person types into actor ids."""
    from pipeline.actor_names import ActorFinder
    from pipeline.commands.loading import load_catalog

    return ActorFinder(connection, lambda: load_catalog(catalog_paths(config, file)))
