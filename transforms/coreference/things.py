"""When "it" means no actor: it stands for nothing, or for a thing that was just named."""

from __future__ import annotations

from spacy.tokens import Token

from transforms.actor_spans import ActorSpan, TextView
from transforms.coreference.clauses import SUBJECTS, clause_of, shared_subject
from transforms.coreference.memory import MAX_WINDOW, Memory

_IMPERSONAL = frozenset(
    {"rain", "snow", "seem", "appear", "turn", "take", "emerge", "happen", "transpire", "matter"}
)


def pleonastic(token: Token) -> bool:
    """ "It is clear that …", "it rained": an "it" that stands for nothing."""
    if token.dep_ == "expl":
        return True
    verb = token.head
    if verb.lemma_ in _IMPERSONAL:
        return token.dep_ in SUBJECTS
    if verb.lemma_ != "be" or token.dep_ not in SUBJECTS:
        return False
    # "It is clear that …", "it was a shame to …": a clause follows, to which "it" points ahead.
    clauses = ("ccomp", "xcomp", "csubj", "advcl", "acl", "relcl")
    said = [child for child in verb.children if child.i > verb.i]
    if any(child.dep_ in clauses for child in said):
        return True
    return any(
        inner.dep_ in clauses
        for child in said
        if child.dep_ in ("acomp", "attr")
        for inner in child.children
    )


def means_thing(memory: Memory, index: int) -> bool:
    """Return whether an object "it" has a nearer noun: "rejected the plan … welcomed it"."""
    token = memory.view.tokens[index]
    if token.dep_ in SUBJECTS or token.dep_ == "poss":
        return False
    view = memory.view
    here = view.sentence_of(index)
    clause = clause_of(token)
    own_subject = None if clause is None else shared_subject(memory, clause)
    floor = max(view.sentences[here][0], index - MAX_WINDOW)
    for other in reversed(view.tokens[floor:index]):
        span = memory.at.get(other.i)
        if span is not None and not _same_subject(view, span, own_subject):
            return False
        if other.tag_ == "NN" and other.dep_ in ("dobj", "nsubj", "nsubjpass"):
            return True
    if here == 0 or own_subject is None:
        return False
    # Nothing but the subject stands before it here: "Japan backed the text. Iran rejected it."
    start, end = view.sentences[here - 1]
    start = max(start, end - MAX_WINDOW)
    return any(other.tag_ == "NN" and _is_object(other) for other in view.tokens[start:end])


def _same_subject(view: TextView, span: ActorSpan, subject: ActorSpan | None) -> bool:
    """Return whether the span is the subject or coordinated with it."""
    if subject is None or span is subject:
        return span is subject
    head = view.tokens[span.head]
    return head.dep_ == "conj" and subject.head in {other.i for other in head.conjuncts}


def _is_object(token: Token) -> bool:
    if token.dep_ == "dobj":
        return True
    return bool(token.dep_ == "pobj" and token.head.head.pos_ == "VERB")
