"""Texts whose mentions of actors are marked by hand, and the reading of them.

A file is UTF-8 text, one text a line; empty lines and lines that start with "#" say nothing.

    @2019-03-10 {The German chancellor|angela-merkel>DEU} rejected {the idea|-}.

`{words|actor}` marks a mention of an actor that is its own roll-up, `{words|actor>rollup}` one that
belongs to another. `{+|actor}` after a mark adds an actor to the same words ("the two countries").
`{words|-}` marks words about which readers may differ: what is found there counts neither way.
`@YYYY-MM-DD ` in front gives the day of publication, else it is 2024-04-28.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pipeline.evaluation.reference import BadReferenceError

DEFAULT_DAY = date(2024, 4, 28)
_MARK = re.compile(r"\{([^{}|]+)\|([^{}|]+)\}")
_DAY = re.compile(r"@(\S+) ")
_SAME_WORDS = "+"
_EITHER_WAY = "-"


class MarkedMention(NamedTuple):
    """A mention at characters [start, end) with the actor and the roll-up that it means."""

    start: int
    end: int
    actor: str
    rollup: str


class MarkedText(NamedTuple):
    """One text without its marks, its day, what it mentions, and the spans that count neither way.

    `line` is its number in the file, from 1; 0 where it came from none.
    """

    text: str
    on: date
    mentions: list[MarkedMention]
    ignored: list[MarkedMention]
    line: int = 0


def read_marked_texts(path: Path) -> list[MarkedText]:
    """Return the texts of a file; raises BadReferenceError that names file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadReferenceError(f"{path}: {error}") from error
    texts = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            try:
                texts.append(parse_marked_text(line)._replace(line=number))
            except BadReferenceError as error:
                raise BadReferenceError(f"{path}:{number}: {error}") from error
    return texts


def parse_marked_text(line: str) -> MarkedText:
    """Return one line as text and mentions; raises BadReferenceError for a mark that is none."""
    on = DEFAULT_DAY
    dated = _DAY.match(line)
    if dated:
        on, line = _day(dated.group(1)), line[dated.end() :]
    plain, mentions, position = "", list[MarkedMention](), 0
    for mark in _MARK.finditer(line):
        plain += line[position : mark.start()]
        position = mark.end()
        words, label = mark.groups()
        actor, _, rollup = label.partition(">")
        if words != _SAME_WORDS:
            start, end = len(plain), len(plain) + len(words)
            plain += words
        elif mentions:
            start, end = mentions[-1].start, mentions[-1].end
        else:
            raise BadReferenceError(f"{mark.group()} has no mark before it")
        mentions.append(MarkedMention(start, end, actor, rollup or actor))
    plain += line[position:]
    if "{" in plain or "}" in plain:
        raise BadReferenceError("a brace is no part of a mark {words|actor}")
    kept = [mention for mention in mentions if mention.actor != _EITHER_WAY]
    return MarkedText(plain, on, kept, [m for m in mentions if m.actor == _EITHER_WAY])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadReferenceError(f"@{text} is no day like 2026-11-02") from None
