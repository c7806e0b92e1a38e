"""Own texts for deduplication tests: originals, the edits that outlets make, and look-alikes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

ORIGINALS: dict[str, str] = _DATA["originals"]
EXTRA: str = _DATA["extra"]
SWAPS: dict[str, tuple[str, str, str]] = _DATA["swaps"]
SHORT_DIFFERENT = _DATA["short_different"]
SHORT_SAME = {
    **_DATA["short_same"],
    "teaser": (
        ("Silence broken", ORIGINALS["lane"].split(". ")[0] + "."),
        ("A side taken", ORIGINALS["lane"]),
    ),
}
TEMPLATES = {
    name: (template["text"], *template["fillings"]) for name, template in _DATA["templates"].items()
}


def _paragraphs(text: str) -> list[str]:
    return text.split("\n\n")


def _reorder(text: str) -> str:
    first, second, third, fourth = _paragraphs(text)
    return "\n\n".join([first, fourth, third, second])


def _american(text: str) -> str:
    for british, american in (
        ("favour", "favor"),
        ("harbour", "harbor"),
        ("cancelled", "canceled"),
        ("neighbouring", "neighboring"),
        ("tonnes", "tons"),
        ("defended", "defended"),
    ):
        text = text.replace(british, american)
    return text


def _dates(text: str) -> str:
    return (
        text.replace("on Wednesday", "on Feb. 4")
        .replace("on Monday evening", "on 2 February")
        .replace("on Thursday", "today")
    )


def _typography(text: str) -> str:
    return text.replace('"', "\u201d").replace("'", "\u2019").replace("1,204", "1204")


EDITS: dict[str, Callable[[str], str]] = {
    "nothing but the headline": lambda text: text,
    "cut tail": lambda text: "\n\n".join(_paragraphs(text)[:2]),
    "cut mid sentence": lambda text: text[: len(text) // 2],
    "added paragraphs": lambda text: f"{text}\n\n{EXTRA}\n\n{EXTRA[::-1]}",
    "paragraph added inside": lambda text: text.replace("\n\n", f"\n\n{EXTRA}\n\n", 1),
    "agency dateline": lambda text: f"PORT SARN (Harbour Wire) - {text}",
    "long dateline": lambda text: f"OLD HAVEN, Feb. 5 (Harbour Wire) \u2014 {text}",
    "bare dateline": lambda text: f"KELBURG \u2013 {text}",
    "house intro": lambda text: f"Good morning. The Evening Ledger has this from abroad.\n\n{text}",
    "credit": lambda text: f"{text}\n\n(Reporting by J. Marsh in Kelburg; editing by L. Novik)",
    "byline": lambda text: f"By Rosa Devlin\n{text}",
    "reordered": _reorder,
    "spelling": _american,
    "dates for weekdays": _dates,
    "typography": _typography,
    "outlet's name": lambda text: text.replace("told reporters", "told the Evening Ledger"),
    "figures for words": lambda text: text.replace("three", "3").replace("forty", "40"),
    "dropped aside": lambda text: text.replace(", who runs three of the boats", "").replace(
        " of neighbouring Quillon", ""
    ),
    "all capitals lead": lambda text: text.replace("The government", "THE GOVERNMENT"),
    "several": lambda text: _american(
        f"KELBURG (Harbour Wire) - {_dates(text)}\n\n(Editing by L. Novik)"
    ),
}
