"""Clauses as the parse has them: the verb above a token, and the actors that are its subject."""

from __future__ import annotations

from collections.abc import Iterator

from spacy.tokens import Token

from transforms.actor_spans import ActorSpan
from transforms.coreference.memory import Memory

SUBJECTS = ("nsubj", "nsubjpass", "csubj")
_MAX_PLURAL = 4


def clause_of(token: Token) -> Token | None:
    """Return the verb of the clause that a token is in."""
    for _ in range(12):
        if token.pos_ in ("VERB", "AUX"):
            return token
        if token.head.i == token.i:
            return None
        token = token.head
    return None


def governors(token: Token) -> Iterator[Token]:
    """Yield the verbs above a token, innermost first."""
    for _ in range(12):
        if token.head.i == token.i:
            return
        token = token.head
        if token.pos_ in ("VERB", "AUX"):
            yield token


def coordinate(clause: Token | None, verb: Token) -> bool:
    """Return whether a clause stands beside a verb ("… and …") rather than under it."""
    while clause is not None and clause.i != verb.i:
        if clause.dep_ != "conj":
            return False
        clause = clause.head
    return clause is not None


def shared_subject(memory: Memory, verb: Token) -> ActorSpan | None:
    """Return the subject of a verb, its own or that of the verb that it is coordinated with."""
    for _ in range(4):
        subject = subject_span(memory, verb)
        if subject is not None or verb.dep_ != "conj":
            return subject
        verb = verb.head
    return None


def subject_span(memory: Memory, verb: Token) -> ActorSpan | None:
    """Return the actor that is a verb's own subject; of "who" and "which", whom they stand for."""
    for child in verb.children:
        if child.dep_ in SUBJECTS:
            if child.tag_ in ("WP", "WDT") and verb.dep_ == "relcl":
                return memory.at.get(verb.head.i)
            return memory.at.get(child.i)
    return None


def subject_group(memory: Memory, verb: Token, before: int) -> list[ActorSpan]:
    """Return the actors coordinated as a verb's subject: "Gondor and Osgiliath have …"."""
    for child in verb.children:
        if child.dep_ in SUBJECTS and child.i < before:
            group: list[ActorSpan] = []
            for token in (child, *child.conjuncts):
                span = memory.at.get(token.i)
                if span is not None and span.first < before:
                    group.append(span)
            return list({span.actor: span for span in group}.values())[:_MAX_PLURAL]
    return []
