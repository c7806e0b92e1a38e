"""Undoes UTF-8 that was read as windows-1252 ("â€œ" for "“"), and leaves right text alone."""

from __future__ import annotations

import re

import ftfy

# Beyond this many lines a text is mended as one: a call costs more than a line's length does.
MAX_LINES = 5_000

# A lead byte of UTF-8 as windows-1252 or Latin-1 shows it, then a continuation byte as either
# does. In right text the pair hardly occurs; without it the costly test isn't run at all.
_SUSPECT = re.compile(
    "[\u00c2-\u00f4\u0102\u0103\u0110\u0111\u0413\u0420\u0421\u0432]"
    "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]"
)


def fix_mojibake(text: str) -> tuple[str, bool]:
    """Return the text and whether anything was undone, line by line: sources mix."""
    if _SUSPECT.search(text) is None:
        return text, False
    lines = text.split("\n") if text.count("\n") <= MAX_LINES else [text]
    fixed = [ftfy.fix_encoding(line) if _SUSPECT.search(line) else line for line in lines]
    return "\n".join(fixed), fixed != lines
