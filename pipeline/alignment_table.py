"""The counts as a table for people: names, coloured signs, one block of rows a window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.choices import Granularity
from pipeline.formats import safe_text
from pipeline.highlight import STYLES

COUNTS = ("supportive", "opposed", "mixed", "neutral")
_LAST_DAY_OF_WEEK = timedelta(days=6)


def window_label(start: datetime, granularity: Granularity) -> str:
    """Return how people name a window: an hour, a day, or a week as its first and last day."""
    if granularity is Granularity.HOUR:
        return f"{start:%Y-%m-%d %H:00Z}"
    if granularity is Granularity.WEEK:
        return f"{start:%G-W%V} ({start:%Y-%m-%d} to {start + _LAST_DAY_OF_WEEK:%Y-%m-%d})"
    return f"{start:%Y-%m-%d}"


def print_counts(screen: Console, rows: Sequence[dict[str, Any]], granularity: Granularity) -> None:
    """Print rows of `pipeline.alignments.find_alignments`, in the order given."""
    if not rows:
        screen.print("no alignments", style="dim")
        return
    labels = [window_label(row["window_start"], granularity) for row in rows]
    names = [(safe_text(row["source_name"]), safe_text(row["target_name"])) for row in rows]
    widths = (
        _width("window", labels),
        _width("source", (source for source, _ in names)),
        _width("target", (target for _, target in names)),
    )
    header = f"{'window':<{widths[0]}}  {'source':<{widths[1]}}    {'target':<{widths[2]}}"
    screen.print(
        Text(f"{header}  {'  '.join(COUNTS)}  net  stories  articles  outlets", style="bold"),
        soft_wrap=True,
    )
    previous = None
    for row, label, (source, target) in zip(rows, labels, names, strict=True):
        line = Text(_pad(label if label != previous else "", widths[0]))
        line.append(f"  {_pad(source, widths[1])}  → {_pad(target, widths[2])}")
        for name in COUNTS:
            line.append(
                f"  {row[name] or '·':>{len(name)}}", style=STYLES[name] if row[name] else "dim"
            )
        line.append(
            f"  {row['net']:>+3d}" if row["net"] else "    0", style=_sign_style(row["net"])
        )
        line.append(f"  {row['stories']:>7}  {row['articles']:>8}  {row['outlets']:>7}")
        screen.print(line, soft_wrap=True)
        previous = label


def _width(header: str, texts: Iterable[str]) -> int:
    return max(len(header), *(Text(text).cell_len for text in texts))


def _pad(text: str, width: int) -> str:
    return text + " " * (width - Text(text).cell_len)


def _sign_style(net: int) -> str:
    if net == 0:
        return "dim"
    return STYLES["supportive" if net > 0 else "opposed"]
