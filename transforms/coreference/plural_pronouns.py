""" "They", "them", "their": coordinated subjects, a subject and its partner, or one group."""

from __future__ import annotations

from spacy.tokens import Token

from transforms.actor_spans import ActorSpan
from transforms.coreference.clauses import clause_of, governors, subject_group
from transforms.coreference.memory import BY_GOVERNOR, BY_NEARNESS, DECAY, Memory, reference


def resolve_plural(memory: Memory, index: int) -> list[ActorSpan]:
    """Return one mention per actor that a plural pronoun means, all on its one token."""
    view = memory.view
    token = view.tokens[index]
    possessive = token.dep_ == "poss"
    own_clause = None if possessive else clause_of(token)
    for verb in governors(token):
        if own_clause is not None and verb.i == own_clause.i:
            continue
        group = subject_group(memory, verb, index)
        if len(group) > 1:
            return [reference(view, index, index, s, BY_GOVERNOR - 0.1, True) for s in group]
        partner = _partner(memory, verb, group, index)
        if partner is not None:
            pair = (group[0], partner)
            return [reference(view, index, index, s, BY_NEARNESS, True) for s in pair]
        if group and (group[0].plural or group[0].type in ("group", "company", "party")):
            return [reference(view, index, index, group[0], BY_GOVERNOR, True)]
    seen_sentences: set[int] = set()
    for span, distance in memory.before(index, 2):
        sentence = view.sentence_of(span.head)
        verb_token = clause_of(view.tokens[span.head])
        if sentence not in seen_sentences and verb_token is not None and distance > 0:
            seen_sentences.add(sentence)
            root = view.doc[view.sentences[sentence][0] : view.sentences[sentence][1]].root
            group = subject_group(memory, root, index)
            if len(group) > 1:
                return [
                    reference(view, index, index, s, BY_NEARNESS - DECAY * (distance - 1), True)
                    for s in group
                ]
        if span.plural or span.type == "group":
            confidence = BY_NEARNESS - DECAY * distance
            return [reference(view, index, index, span, confidence, True)]
    return []


def _partner(memory: Memory, verb: Token, group: list[ActorSpan], before: int) -> ActorSpan | None:
    """Return the object that "they" joins to a single subject: "Xi told Putin that their …"."""
    if len(group) != 1 or group[0].plural:
        return None
    for child in verb.children:
        if child.dep_ in ("dobj", "dative") and child.i < before:
            span = memory.at.get(child.i)
            if span is not None and span.type == group[0].type and not span.plural:
                return span
    return None
