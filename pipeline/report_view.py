"""An evaluation's report for people: plain figures, then one table a breakdown, then lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.formats import cell_text, print_table, safe_text


def print_report(screen: Console, report: Mapping[str, Any]) -> None:
    """Print figures, breakdowns ({name: {figure: number}}) and lists of a report.

    "intervals", shaped like the report, gives what stands behind each figure: 0.743 (0.72-0.77).
    """
    intervals = report.get("intervals", {})
    report = {name: value for name, value in report.items() if name != "intervals"}
    figures = {name: value for name, value in report.items() if not _is_long(value)}
    width = max((len(_label(name)) for name in figures), default=0)
    for name, value in figures.items():
        shown = _figure(value, intervals.get(name))
        screen.print(Text(f"{_label(name):>{width}}  {shown}"), soft_wrap=True)
    for name, value in report.items():
        if isinstance(value, Mapping) and name not in figures:
            screen.print()
            _print_breakdown(screen, _label(name), value, intervals.get(name, {}))
    for name, value in report.items():
        if isinstance(value, list) and name not in figures:
            screen.print()
            screen.print(f"{_label(name)} ({len(value)})", style="bold")
            for item in value:
                screen.print(Text(f"  {_item(item)}"), soft_wrap=True)


def _is_long(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(item, Mapping) for item in value.values())
    return isinstance(value, list)


def _print_breakdown(
    screen: Console,
    title: str,
    rows: Mapping[str, Mapping[str, Any]],
    intervals: Mapping[str, Mapping[str, Any]],
) -> None:
    columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    print_table(
        screen,
        [title, *map(_label, columns)],
        (
            [name, *(_figure(figures.get(c), intervals.get(name, {}).get(c)) for c in columns)]
            for name, figures in rows.items()
        ),
        [False, *(True for _ in columns)],
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: Any, interval: Any = None) -> str:
    if isinstance(value, float):
        if interval is None:
            return f"{value:.3f}"
        low, high = interval
        return f"{value:.3f} ({low:.2f}–{high:.2f})"
    if isinstance(value, Mapping):
        inside = interval or {}
        return ", ".join(
            f"{_label(name)} {_figure(item, inside.get(name))}" for name, item in value.items()
        )
    return cell_text(value)


def _item(item: Any) -> str:
    if isinstance(item, list | tuple):
        return safe_text("  ".join(cell_text(part) for part in item))
    return safe_text(cell_text(item))
