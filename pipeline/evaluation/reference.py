"""Reading reference files; what is wrong with one is said with its name and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class BadReferenceError(ValueError):
    """A reference file that is absent or not as documented."""


def find_file(path: Path, name: str) -> Path:
    """Return `path` if it is a file, else the file `name` in that folder."""
    found = path / name if path.is_dir() else path
    if not found.is_file():
        raise BadReferenceError(f"{found}: no such file")
    return found


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadReferenceError(f"{path}: {error}") from error


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadReferenceError(f"{path}: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadReferenceError(f"{path}:{number}: {error}") from error
        if not isinstance(row, dict):
            raise BadReferenceError(f"{path}:{number}: not an object")
        yield row


def day(text: str) -> datetime:
    """Return midnight UTC of a day written YYYY-MM-DD or YYYYMMDD."""
    digits = text.replace("-", "")[:8]
    try:
        return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadReferenceError(f"{text!r} is not a day") from error
