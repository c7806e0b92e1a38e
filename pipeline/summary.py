"""What a run did, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.formats import safe_text

# (name in the report's counts, what people call it, what it means); a dim note of zero is noise.
LINES = (
    (
        "feeds_polled",
        "feeds asked",
        "{feeds_not_modified} of them had nothing new, {feeds_failed} failed",
    ),
    ("items", "articles read", ""),
    ("new", "new", "first seen in this run"),
    ("revised", "revised", "known, with a changed text"),
    ("noted", "noted", "known, seen again elsewhere"),
    ("unchanged", "unchanged", "known, nothing new"),
    ("other_coding", "older coding", "of them keep the stances that another version read"),
    ("copies", "copies", "carry a text that another article had first"),
    ("stories", "stories", "that these articles belong to"),
    ("evidence", "stances", "{counted} of them counted"),
    ("windows", "windows", "days whose alignments were rewritten"),
    ("rejects", "rejects", "{reasons}"),
)
ONLY_IF_ANY = frozenset({"feeds_polled", "new", "revised", "noted", "unchanged", "other_coding"})


def print_summary(screen: Console, report: Mapping[str, Any]) -> None:
    """Print the table that ends a run; `report` is `RunReport.as_dict()`."""
    counts = {**report["counts"], "windows": report["windows"]}
    reasons = ", ".join(f"{number} {name}" for name, number in report["rejects"].items())
    figures = ("counted", "feeds_not_modified", "feeds_failed")
    known = {"reasons": reasons, **{name: f"{counts.get(name, 0):,}" for name in figures}}
    width = max(len(label) for _, label, _ in LINES)
    for name, label, meaning in LINES:
        number = counts.get(name, 0)
        if not number and name in ONLY_IF_ANY:
            continue
        note = meaning.format(**known) if number else ""
        screen.print(
            Text.assemble(
                f"{label:>{width}}  {number:>8,}", (f"  {safe_text(note)}" if note else "", "dim")
            ),
            soft_wrap=True,
        )
    seconds = report["seconds"]
    took = "" if seconds is None else f"{seconds:,.1f} s"
    screen.print(Text.assemble(f"{'time':>{width}}  {took:>8}"), soft_wrap=True)
