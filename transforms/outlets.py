"""What a user says of outlets: their name, country and language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from transforms.parquet_io import Row

FIELDS = ("name", "domain", "country", "language")


class OutletsError(ValueError):
    """An outlets file that can't be used; its text is one line that names file and key."""


def load_outlets(path: Path) -> dict[str, dict[str, str]]:
    """Return what a TOML file says of each outlet; raises OutletsError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OutletsError(f"{path}: {error}") from None
    for outlet, values in data.items():
        if not isinstance(values, dict):
            raise OutletsError(f"{path}: {outlet}: a table is expected")
        for key, value in values.items():
            if key not in FIELDS:
                raise OutletsError(f"{path}: {outlet}.{key}: unknown key; one of {FIELDS}")
            if not isinstance(value, str):
                raise OutletsError(f"{path}: {outlet}.{key}: a string is expected")
    return data


def outlet_row(article: Row, known: Mapping[str, Mapping[str, str]]) -> Row:
    """Return the `outlets` row of an article's outlet; a name with a dot is a domain."""
    outlet = article["outlet"]
    said = known.get(outlet, {})
    return {
        "outlet": outlet,
        "name": said.get("name", outlet),
        "domain": said.get("domain", outlet if "." in outlet and " " not in outlet else None),
        "country": said.get("country"),
        "language": said.get("language"),
    }
