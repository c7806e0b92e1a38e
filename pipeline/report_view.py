"""An evaluation's report for people: plain figures, then one table a breakdown, then lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.formats import cell_text, print_table, safe_text


def print_report(screen: Console, report: Mapping[str, Any]) -> None:
    """Print figures, breakdowns ({name: {figure: number}}) and lists of a report."""
    figures = {name: value for name, value in report.items() if not _is_long(value)}
    width = max((len(_label(name)) for name in figures), default=0)
    for name, value in figures.items():
        screen.print(Text(f"{_label(name):>{width}}  {_figure(value)}"), soft_wrap=True)
    for name, value in report.items():
        if isinstance(value, Mapping) and name not in figures:
            screen.print()
            _print_breakdown(screen, _label(name), value)
    for name, value in report.items():
        if isinstance(value, list) and name not in figures:
            screen.print()
            screen.print(f"{_label(name)} ({len(value)})", style="bold")
            for item in value:
                screen.print(Text(f"  {_item(item)}"), soft_wrap=True)


def _is_long(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(item, Mapping) for item in value.values())
    return isinstance(value, list) and not _is_interval(value)


def _is_interval(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(item, float) for item in value)


def _print_breakdown(screen: Console, title: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    print_table(
        screen,
        [title, *map(_label, columns)],
        ([name, *(_figure(figures.get(c)) for c in columns)] for name, figures in rows.items()),
        [False, *(True for _ in columns)],
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return " to ".join(_figure(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(name)} {_figure(item)}" for name, item in value.items())
    return cell_text(value)


def _item(item: Any) -> str:
    if isinstance(item, list | tuple):
        return safe_text("  ".join(cell_text(part) for part in item))
    return safe_text(cell_text(item))
