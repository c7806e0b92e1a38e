"""Pronouns of one: "he", "she", "it", "its"; those of several and of speakers are passed on."""

from __future__ import annotations

from collections.abc import Callable

from spacy.tokens import Token

from transforms.actor_spans import ActorSpan
from transforms.coreference.clauses import (
    SUBJECTS,
    clause_of,
    coordinate,
    governors,
    shared_subject,
    subject_span,
)
from transforms.coreference.memory import (
    BY_GOVERNOR,
    BY_NEARNESS,
    BY_SUBJECT,
    DECAY,
    HORIZON,
    Memory,
    reference,
)
from transforms.coreference.plural_pronouns import resolve_plural
from transforms.coreference.speakers import resolve_speaker
from transforms.coreference.things import means_thing, pleonastic

_MALE = frozenset({"he", "him", "his", "himself"})
_FEMALE = frozenset({"she", "her", "hers", "herself"})
_NEUTER = frozenset({"it", "its", "itself"})
_PLURAL = frozenset({"they", "them", "their", "theirs", "themselves"})
FIRST_PERSON = frozenset({"we", "us", "our", "ours", "i", "me", "my", "ourselves"})
PRONOUNS = _MALE | _FEMALE | _NEUTER | _PLURAL | FIRST_PERSON
_POSSESSIVE = frozenset({"his", "her", "its", "their", "hers", "theirs", "our", "my"})
_REASONS = frozenset({"for", "over", "about"})
_STEP = 0.02


def resolve_pronoun(memory: Memory, index: int, lower: str) -> list[ActorSpan]:
    """Return the mentions that the pronoun at a token stands for; none if it means no actor."""
    view = memory.view
    if lower in FIRST_PERSON:
        return resolve_speaker(memory, index)
    if lower in _PLURAL:
        return resolve_plural(memory, index)
    if lower in _NEUTER:
        if pleonastic(view.tokens[index]) or means_thing(memory, index):
            return []
        target = _antecedent(memory, index, _is_thing)
    else:
        gender = "m" if lower in _MALE else "f"
        target = _antecedent(memory, index, lambda span: _is_person(memory, span, gender))
        if target is not None and target[0].type == "person":
            memory.genders.setdefault(target[0].actor, gender)
    if target is None:
        return []
    return [reference(view, index, index, target[0], target[1], True)]


def _is_person(memory: Memory, span: ActorSpan, gender: str) -> bool:
    if span.type == "person":
        return memory.genders.get(span.actor, gender) == gender
    return span.kind == "role" and span.gender in ("", gender)


def _is_thing(span: ActorSpan) -> bool:
    return (
        span.type != "person"
        and not span.plural
        and not (span.kind == "role" and span.form == "title")
    )


def _antecedent(
    memory: Memory, index: int, fits: Callable[[ActorSpan], bool]
) -> tuple[ActorSpan, float] | None:
    """Return whom a singular pronoun means, with how sure that is; None if nobody fits."""
    view = memory.view
    token = view.tokens[index]
    possessive = token.dep_ == "poss" or view.lower[index] in _POSSESSIVE
    own_clause = None if possessive else clause_of(token)
    # "A was thanked, and it was defended": a subject is not barred from being A.
    is_subject = token.dep_ in SUBJECTS
    own_subject = None if own_clause is None or is_subject else shared_subject(memory, own_clause)
    as_object = own_clause is not None and not is_subject
    for verb in governors(token):
        if possessive:
            # "thanked Washington for its help": the object's, not the subject's.
            owner = _object_before(memory, verb, token)
            if owner is not None and fits(owner):
                return owner, BY_SUBJECT
        subject = subject_span(memory, verb)
        if subject is None or subject.head >= index:
            continue
        if subject is own_subject or (as_object and coordinate(own_clause, verb)):
            continue
        if fits(subject):
            return subject, BY_GOVERNOR
    best: tuple[float, ActorSpan] | None = None
    for order, (span, distance) in enumerate(memory.before(index, HORIZON)):
        if not fits(span):
            continue
        # An object can't be its own clause's subject: "Russia attacked it".
        same = own_subject is not None and span.actor == own_subject.actor
        if same and distance == 0:
            continue
        parallel = view.tokens[span.head].dep_ in SUBJECTS and not as_object
        score = (BY_SUBJECT if parallel else BY_NEARNESS) - DECAY * distance - _STEP * order
        if best is None or score > best[0]:
            best = (score, span)
    return (best[1], best[0]) if best else None


def _object_before(memory: Memory, verb: Token, pronoun: Token) -> ActorSpan | None:
    """Return a verb's object where the pronoun stands in the reason: "thanked X for its help"."""
    preposition = next(
        (child for child in verb.children if child.dep_ == "prep" and child.is_ancestor(pronoun)),
        None,
    )
    if preposition is None or preposition.lower_ not in _REASONS:
        return None
    for child in verb.children:
        if child.dep_ == "dobj" and child.i < preposition.i:
            return memory.at.get(child.i)
    return None
