"""Whether a spaCy pipeline is there, without loading spaCy."""

from __future__ import annotations

import importlib.util
from pathlib import Path


class PipelineMissingError(RuntimeError):
    """The named spaCy pipeline is not installed, or cannot parse."""


def check_installed(name: str) -> None:
    """Raise PipelineMissingError where `name` is neither a package nor a folder."""
    if Path(name).is_dir():
        return
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise PipelineMissingError(f"spaCy pipeline {name!r} is not installed")
