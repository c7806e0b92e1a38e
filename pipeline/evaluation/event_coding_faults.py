"""What we hold to be faults of the event-coding reference, each with its reason.

`event_coding_faults.toml` lists them by record: `wrong` edges that the text doesn't state as
docs/stances.md defines them, `stated` edges that it does and that are missing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

Edge = tuple[str, str, str]

_FILE: Final = Path(__file__).with_name("event_coding_faults.toml")


class Fault(NamedTuple):
    """The edges of one record that are wrong or missing: (source, target, positive|negative)."""

    wrong: frozenset[Edge]
    stated: frozenset[Edge]
    reason: str


def load_faults() -> dict[str, Fault]:
    """Return the listed faults by record id."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        key: Fault(_edges(entry["wrong"]), _edges(entry["stated"]), entry["reason"])
        for key, entry in entries.items()
    }


def _edges(texts: list[str]) -> frozenset[Edge]:
    """Return edges written "SOURCE > TARGET positive"."""
    found = set()
    for text in texts:
        source, _, rest = text.partition(" > ")
        target, sign = rest.rsplit(" ", 1)
        found.add((source, target, sign))
    return frozenset(found)
