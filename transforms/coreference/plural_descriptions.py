"""Definite descriptions of several: "the two countries", "both leaders"."""

from __future__ import annotations

from collections.abc import Iterator

from transforms.actor_spans import ActorSpan, TextView
from transforms.coreference.clauses import SUBJECTS, clause_of, shared_subject
from transforms.coreference.memory import BY_SUBJECT, HORIZON, Memory, reference, with_rollup

_MANY = ("state", "organisation", "bloc")
# After these the subject may be one of those described: "Mali closed the road between the two …".
_SHARED_BY = frozenset({"between", "among", "of", "for", "in", "across"})


def resolve_plural_description(memory: Memory, index: int) -> list[ActorSpan]:
    """Return one mention per actor that "the two …" or "both …" means; none if too few are known.

    `index` is the token of the noun.
    """
    view, words = memory.view, memory.view.catalog.words
    if continues(view, index):
        return []
    number, first = _number_before(view, index)
    if not number:
        return []
    noun, outsider = view.lower[index], _outsider(memory, index)
    if words.has("descriptions.plural_people", noun):
        chosen = _nearest(memory, index, number, ("person",), outsider)
    elif words.has("descriptions.plural_states", noun):
        chosen = _nearest(memory, index, number, ("state",), outsider) or _nearest(
            memory, index, number, ("state",), outsider, leaders=True
        )
    else:
        chosen = _nearest(memory, index, number, _MANY, outsider)
    picked = sorted(chosen, key=lambda span: span.start)
    return [reference(view, first, index, span, BY_SUBJECT, False) for span in picked]


def continues(view: TextView, index: int) -> bool:
    """Return whether the noun is only part of a phrase: "the alliance members", "the union of"."""
    if view.tokens[index].dep_ == "compound":
        return True
    after = index + 1
    return after < len(view.tokens) and view.lower[after] in ("of", "between", "that", "which")


def _number_before(view: TextView, index: int) -> tuple[int, int]:
    """Return how many the words before the noun say, 0 if none do, and where the phrase starts."""
    number, first = 0, index
    for back in (1, 2, 3):
        if index - back < 0:
            break
        lower = view.lower[index - back]
        if lower in view.catalog.words.numbers:
            number, first = view.catalog.words.numbers[lower], index - back
        elif lower == "the" and number:
            first = index - back
            break
        elif view.tokens[index - back].pos_ != "ADJ":
            break
    return number, first


def _nearest(
    memory: Memory,
    index: int,
    number: int,
    types: tuple[str, ...],
    outsider: str,
    leaders: bool = False,
) -> list[ActorSpan]:
    """Return the last `number` actors of these types before the token; none if there are fewer.

    `outsider` is a roll-up that cannot be meant; with `leaders`, people count as their state.
    """
    chosen: dict[str, ActorSpan] = {}
    for span in _candidates(memory, index, leaders):
        key = span.actor if span.type == "person" else span.rollup
        if span.type in types and span.rollup != outsider and span.form != "pronoun":
            chosen.setdefault(key, span)
        if len(chosen) == number:
            return list(chosen.values())
    return []


def _candidates(memory: Memory, index: int, leaders: bool) -> Iterator[ActorSpan]:
    for span, _ in memory.before(index, HORIZON):
        if leaders:
            yield from (target for target, _ in with_rollup(memory, span))
        else:
            yield span


def _outsider(memory: Memory, index: int) -> str:
    """Return the roll-up of who acts on those described: in "Cyprus praised both", not Cyprus."""
    token = memory.view.tokens[index]
    governor = token.head.lower_ if token.dep_ == "pobj" else ""
    if token.dep_ in (*SUBJECTS, "poss", "conj") or governor in _SHARED_BY:
        return ""
    clause = clause_of(token)
    subject = None if clause is None else shared_subject(memory, clause)
    if subject is None or subject.head >= index:
        return ""
    # "Poland and Germany hailed it as good news to both": they are those described.
    return "" if memory.view.tokens[subject.head].conjuncts else subject.rollup
