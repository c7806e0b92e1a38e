"""`--output`, `--config` and `--set`, declared once for all commands that take the three."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.options import (
    ConfigFile,
    Output,
    Settings,
    parse_settings,
    read_config,
    store_folder,
)

if TYPE_CHECKING:
    from pipeline.config import Config

_OPTIONS = {"output": Output, "config": ConfigFile, "settings": Settings}


@dataclass(frozen=True, slots=True)
class Where:
    """Which store a command works on, and with which config."""

    output: Path | None
    config: Path | None
    settings: list[str] | None

    def read_config(self) -> Config:
        """Return the config with what `--set` says; raises UserError."""
        return read_config(self.config, parse_settings(self.settings))

    def folder(self, config: Config) -> Path:
        """Return the folder of the store."""
        return store_folder(self.output, config)


def takes_where(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the three options for its parameter `where`."""
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.name != "where"]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    parameters = [*own, *options]

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        where = Where(**{name: values.pop(name) for name in _OPTIONS})
        command(where=where, **values)

    # Typer reads a command's options from these two.
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options
