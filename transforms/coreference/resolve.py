"""References back: pronouns, "the bloc", "the president", "the two countries", "we" in a quotation.

A reference is resolved among the mentions before it by grammar first (the subject of the clause
that governs it), then by the subjects of earlier sentences, then by nearness. Each resolution
carries a confidence that says by which of these it came about.
"""

from __future__ import annotations

from transforms.actor_spans import ActorSpan, TextView
from transforms.coreference.descriptions import resolve_description, resolve_office
from transforms.coreference.memory import Memory
from transforms.coreference.pronouns import FIRST_PERSON, PRONOUNS, resolve_pronoun
from transforms.coreference.speakers import find_quotations
from transforms.persons import token_map
from transforms.roles import RolePhrase


def resolve_references(
    view: TextView, spans: list[ActorSpan], roles: list[RolePhrase]
) -> list[ActorSpan]:
    """Return mentions for the pronouns and descriptions of a text that refer to `spans`.

    `spans` must be sorted and apart; `roles` are offices that name nobody ("the president").
    """
    if not spans:
        return []
    memory = Memory(view, list(spans), token_map(spans))
    memory.starts = [span.start for span in spans]
    memory.quotes = find_quotations(view.text)
    for span in spans:
        gender = span.gender or _gender_of_name(view, span)
        if gender:
            memory.genders.setdefault(span.actor, gender)
    offices = {role.head: role for role in roles}
    found: list[ActorSpan] = []
    speakers: list[int] = []
    for index, lower in enumerate(view.lower):
        if index in memory.at:
            continue
        if lower in FIRST_PERSON and not _acronym(view, index):
            speakers.append(index)
            continue
        if lower in PRONOUNS and not _acronym(view, index):
            new = resolve_pronoun(memory, index, lower)
        elif index in offices:
            new = resolve_office(memory, offices[index])
        elif lower in _noun_set(view):
            new = resolve_description(memory, index)
        else:
            continue
        if new and not _overlaps(memory, new[0]):
            memory.add(new)
            found.extend(new)
    # The speaker of "We stand with A" may be the "she" of the "she said" after it.
    for index in speakers:
        new = resolve_pronoun(memory, index, view.lower[index])
        memory.add(new)
        found.extend(new)
    return found


def _gender_of_name(view: TextView, span: ActorSpan) -> str:
    """Return "f" or "m" where a person's given name is one of those listed, else ""."""
    if span.type != "person":
        return ""
    return view.catalog.words.gender_of(span.name)


def _acronym(view: TextView, index: int) -> bool:
    """ "IT workers" and "the US" are no pronouns."""
    text = view.tokens[index].text
    return len(text) > 1 and text.isupper() and not view.is_upper(index, index)


def _noun_set(view: TextView) -> set[str]:
    words = view.catalog.words
    cached = words.reference_nouns
    if not cached:
        cached |= set(words.descriptions) | {
            noun.rpartition(" ")[2] for noun in view.catalog.kind_nouns
        }
        cached |= words.lists.get("descriptions.plural", frozenset())
        cached |= words.lists.get("descriptions.plural_people", frozenset())
    return cached


def _overlaps(memory: Memory, span: ActorSpan) -> bool:
    return any(index in memory.at for index in range(span.first, span.last + 1))
