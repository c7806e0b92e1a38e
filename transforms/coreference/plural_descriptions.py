"""Definite descriptions of several: "the two countries", "both leaders"."""

from __future__ import annotations

from transforms.actor_spans import ActorSpan, TextView
from transforms.coreference.memory import BY_SUBJECT, HORIZON, Memory, reference


def resolve_plural_description(memory: Memory, index: int) -> list[ActorSpan]:
    """Return one mention per actor that "the two …" or "both …" means; none if too few are known.

    `index` is the token of the noun.
    """
    view, words = memory.view, memory.view.catalog.words
    if continues(view, index):
        return []
    number, first = 0, index
    for back in (1, 2, 3):
        if index - back < 0:
            break
        lower = view.lower[index - back]
        if lower in words.numbers:
            number, first = words.numbers[lower], index - back
        elif lower == "the" and number:
            first = index - back
            break
        elif view.tokens[index - back].pos_ != "ADJ":
            break
    if not number:
        return []
    people = words.has("descriptions.plural_people", view.lower[index])
    chosen: dict[str, ActorSpan] = {}
    for span, _ in memory.before(index, HORIZON):
        wanted = span.type == "person" if people else span.type in ("state", "organisation", "bloc")
        key = span.actor if people else span.rollup
        if wanted and key not in chosen and span.form != "pronoun":
            chosen[key] = span
        if len(chosen) == number:
            break
    if len(chosen) < number:
        return []
    picked = sorted(chosen.values(), key=lambda span: span.start)
    return [reference(view, first, index, span, BY_SUBJECT, False) for span in picked]


def continues(view: TextView, index: int) -> bool:
    """Return whether the noun is only part of a phrase: "the alliance members", "the union of"."""
    if view.tokens[index].dep_ == "compound":
        return True
    after = index + 1
    return after < len(view.tokens) and view.lower[after] in ("of", "between", "that", "which")
