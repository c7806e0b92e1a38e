"""Definite descriptions of one: "the bloc", "the country", "the president"."""

from __future__ import annotations

from transforms.actor_spans import ActorSpan, TextView
from transforms.coreference.clauses import SUBJECTS
from transforms.coreference.memory import (
    BY_DESCRIPTION,
    BY_NEARNESS,
    DECAY,
    Memory,
    reference,
    with_rollup,
)
from transforms.coreference.plural_descriptions import continues, resolve_plural_description
from transforms.roles import RolePhrase

_HORIZON = 8
_WEAK = 0.5


def resolve_description(memory: Memory, index: int) -> list[ActorSpan]:
    """Return the mentions that the noun at a token refers back to; none if it refers to none."""
    view, words = memory.view, memory.view.catalog.words
    lower = view.lower[index]
    if words.has("descriptions.plural", lower) or words.has("descriptions.plural_people", lower):
        plural = resolve_plural_description(memory, index)
        if plural:
            return plural
    first = _article_before(view, index)
    if first is None or continues(view, index):
        return []
    phrase = " ".join(view.lower[first + 1 : index + 1])
    listed = view.catalog.kind_nouns.get(phrase) or view.catalog.kind_nouns.get(lower)
    types = words.descriptions.get(phrase) or words.descriptions.get(lower) or frozenset()
    if index - first > 1 and phrase not in view.catalog.kind_nouns:
        # "the new alliance" is another one; only adjectives of kind leave the reference.
        return []
    best: tuple[float, ActorSpan] | None = None
    for order, (span, distance) in enumerate(memory.before(index, _HORIZON)):
        for target, penalty in with_rollup(memory, span):
            if listed is not None and target.actor in listed:
                score = BY_DESCRIPTION + 0.1
            elif target.type in types and not (listed and target.type not in ("state",)):
                score = BY_NEARNESS
            else:
                continue
            subject = view.tokens[span.head].dep_ in SUBJECTS
            score += (0.05 if subject else 0.0) - DECAY * min(distance, 4) / 2
            score -= 0.005 * order + penalty
            if best is None or score > best[0]:
                best = (score, target)
    if best is None or best[0] < _WEAK - 0.1:
        return []
    return [reference(view, first, index, best[1], best[0], False)]


def _article_before(view: TextView, index: int) -> int | None:
    """Return where the "the" of a short noun phrase stands, or None."""
    for back in (1, 2, 3):
        first = index - back
        if first < 0:
            return None
        if view.lower[first] == "the":
            return first
        if (
            view.tokens[first].pos_ not in ("ADJ", "NOUN", "PROPN")
            and view.tokens[first].text != "-"
        ):
            return None
    return None


def resolve_office(memory: Memory, role: RolePhrase) -> list[ActorSpan]:
    """Resolve "the president" to the last person who was called so, or the last state's."""
    view = memory.view
    if role.past or role.against or view.lower[role.first] != "the":
        return []
    if role.head - role.first > 2 or continues(view, role.head):
        return []
    for span, distance in memory.before(role.head, _HORIZON):
        if span.type != "person":
            continue
        held = view.catalog.role(span.actor, view.on)
        titled = role.title in view.text[span.start : span.end].lower()
        if titled or _same_office(held, role.role):
            confidence = BY_DESCRIPTION - DECAY * min(distance, 3) / 2
            return [reference(view, role.first, role.head, span, confidence, False)]
    return []


def _same_office(held: str, wanted: str) -> bool:
    """Return whether "the minister" can be a foreign minister, "the leader" a president."""
    if held == wanted:
        return True
    if wanted == "minister":
        return held.endswith("_minister")
    return wanted == "leader" and held in ("head_of_state", "head_of_government")
