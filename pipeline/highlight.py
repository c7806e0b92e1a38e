"""A sentence as a person checks it: source, trigger and target marked where they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rich.text import Text

from pipeline.formats import safe_text

Part = Literal["source", "trigger", "target"]

STYLES: dict[str, str] = {
    "source": "bold cyan",
    "target": "bold magenta",
    "trigger": "bold underline",
    "supportive": "green",
    "opposed": "red",
    "neutral": "yellow",
    "mixed": "yellow",
}

# What marks the parts where there is no colour: in a pipe, a log, a README.
BRACKETS: dict[Part, tuple[str, str]] = {
    "source": ("[", "]"),
    "trigger": ("*", "*"),
    "target": ("{", "}"),
}


@dataclass(frozen=True)
class Span:
    """A part of the sentence, as character offsets into it."""

    part: Part
    start: int
    end: int


def mark(sentence: str, parts: Iterable[Span], plain: bool) -> Text:
    """Return the sentence with its parts coloured, or bracketed where `plain`.

    Spans outside the sentence are left out; where spans overlap, all their marks show.
    """
    fitting = [span for span in parts if 0 <= span.start < span.end <= len(sentence)]
    # A tab or a line break in the sentence would move the text, so each becomes one space.
    text = safe_text("".join(" " if char.isspace() else char for char in sentence))
    if plain:
        return Text(_bracketed(text, fitting))
    marked = Text(text)
    for span in fitting:
        marked.stylize(STYLES[span.part], span.start, span.end)
    return marked


def _bracketed(text: str, fitting: list[Span]) -> str:
    # Outer spans open first and close last; each mark goes in from the end, so offsets hold.
    marks: list[tuple[int, int, int, int, str]] = []
    for number, span in enumerate(fitting):
        opening, closing = BRACKETS[span.part]
        length = span.end - span.start
        marks.append((span.start, 1, -length, number, opening))
        marks.append((span.end, 0, length, -number, closing))
    for position, _, _, _, symbol in sorted(marks, reverse=True):
        text = text[:position] + symbol + text[position:]
    return text
