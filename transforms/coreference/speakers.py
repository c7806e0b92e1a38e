""" "We" and "I" inside a quotation: whoever speaks it."""

from __future__ import annotations

import re
from bisect import bisect_right

from transforms.actor_spans import ActorSpan
from transforms.coreference.clauses import subject_span
from transforms.coreference.memory import BY_SPEAKER, MAX_WINDOW, Memory, reference

_QUOTED = re.compile(r"“[^“”]{1,3000}(?:”|\n|$)|\"[^\"\n]{1,3000}(?:\"|\n|$)")


def find_quotations(text: str) -> list[tuple[int, int]]:
    """Return the character spans of quotations, with their marks; an open one ends its line."""
    return [match.span() for match in _QUOTED.finditer(text)]


def resolve_speaker(memory: Memory, index: int) -> list[ActorSpan]:
    """Resolve "we" and "I" inside a quotation to whoever speaks it."""
    view = memory.view
    char = view.starts[index]
    quote = _quote_at(memory, char)
    if quote is None:
        return []
    if quote not in memory.speakers:
        memory.speakers[quote] = _speaker_of(memory, quote)
    speaker = memory.speakers[quote]
    if speaker is None:
        return []
    return [reference(view, index, index, speaker, BY_SPEAKER, True)]


def _quote_at(memory: Memory, char: int) -> tuple[int, int] | None:
    """Return the quotation that holds a character offset."""
    position = bisect_right(memory.quotes, (char, len(memory.view.text) + 1)) - 1
    if position >= 0 and memory.quotes[position][0] <= char < memory.quotes[position][1]:
        return memory.quotes[position]
    return None


def _speaker_of(memory: Memory, quote: tuple[int, int]) -> ActorSpan | None:
    """Return the subject of the speech verb nearest to a quotation, outside every quotation."""
    view, words = memory.view, memory.view.catalog.words
    first, last = view.token_at(quote[0]), view.token_at(quote[1] - 1)
    low = view.sentences[max(0, view.sentence_of(first) - 1)][0]
    high = view.sentences[min(len(view.sentences) - 1, view.sentence_of(last) + 1)][1]
    home = (
        view.sentences[view.sentence_of(first)][0],
        view.sentences[view.sentence_of(last)][1],
    )
    best: tuple[int, ActorSpan] | None = None
    for index in range(max(low, first - MAX_WINDOW), min(high, last + MAX_WINDOW)):
        if first <= index <= last or not words.has("speech.verbs", view.tokens[index].lemma_):
            continue
        char = view.starts[index]
        if _quote_at(memory, char) is not None:
            continue
        subject = subject_span(memory, view.tokens[index])
        if subject is None:
            continue
        distance = first - index if index < first else index - last
        distance += 0 if home[0] <= index < home[1] else 50
        if best is None or distance < best[0]:
            best = (distance, subject)
    return best[1] if best else None
