"""Evidence as people read it: each sentence once, its parts marked, and what was read from it.

A row holds the columns of `stances` (or the fields of `Evidence`) by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.choices import COUNTED_FACTUALITY
from pipeline.formats import safe_text
from pipeline.highlight import STYLES, Span, mark

Row = dict[str, Any]

SHARED = (
    "source_actor",
    "stance",
    "kind",
    "voice",
    "speaker_actor",
    "confidence",
    "factuality",
    "is_background",
    "counted",
)


def group_by_sentence(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each sentence and trigger, in the order in which these first come."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = (row["sentence"], row["trigger_start"], row["trigger_end"], row["counted"])
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def print_sentence(screen: Console, rows: Sequence[Row]) -> None:
    """Print one group of `group_by_sentence`: the sentence, then a line a source and reading."""
    style = "" if rows[0]["counted"] else "dim"
    sentence = mark(rows[0]["sentence"], _spans(rows), plain=not screen.is_terminal)
    screen.print(Text("  ") + sentence, style=style, soft_wrap=True)
    for _, same in groupby(rows, key=lambda row: [row[name] for name in SHARED]):
        screen.print(Text("    ") + reading(list(same)), style=style, soft_wrap=True)


def reading(rows: Sequence[Row]) -> Text:
    """Return what one source is read to take toward each target, for rows that differ in no more.

    Stance, dyads, kind, voice, trigger, confidence, and why it doesn't count, where it doesn't.
    """
    row = rows[0]
    targets = ", ".join(dict.fromkeys(_actor(r, "target") for r in rows))
    text = Text.assemble(
        (row["stance"], STYLES.get(row["stance"], "")),
        f"  {_actor(row, 'source')} → {targets}",
        f"  {row['kind']}, {_voice(row)}",
        f"  “{row['trigger']}”  confidence {row['confidence']:.2f}",
    )
    if row["factuality"] == "planned":
        text.append("  planned")
    if reason := why_not_counted(row):
        text.append(f"  ({reason})")
    return Text(safe_text(text.plain), spans=text.spans)


def why_not_counted(row: Row) -> str:
    """Return why a piece of evidence doesn't count, "" where it does."""
    if row["counted"]:
        return ""
    reasons = [] if row["factuality"] in COUNTED_FACTUALITY else [row["factuality"]]
    if row["is_background"]:
        reasons.append("told as past history")
    if row["source_rollup"] == row["target_rollup"]:
        reasons.append(f"both sides are {row['source_rollup']}")
    return ", ".join(reasons) or "confidence below the threshold"


def _spans(rows: Iterable[Row]) -> list[Span]:
    found = [
        Span(part, row[f"{part}_start"], row[f"{part}_end"])
        for row in rows
        for part in ("source", "trigger", "target")
    ]
    return list(dict.fromkeys(found))


def _actor(row: Row, side: str) -> str:
    actor, rollup = row[f"{side}_actor"], row[f"{side}_rollup"]
    return actor if actor == rollup else f"{actor} ({rollup})"


def _voice(row: Row) -> str:
    if row["voice"] == "third_party":
        return f"claimed by {row['speaker_actor'] or 'a third party'}"
    return "told by the outlet" if row["voice"] == "outlet" else "the source's own"
