"""Mends what small parsers get wrong, before anything is read; repairs edit the tree in place.

Each repair states a pattern that cannot be right English, so that a better parser never meets it.
"""

from __future__ import annotations

from collections.abc import Callable

from transforms.stances.lexicon import Lexicon
from transforms.stances.phrases import find_phrase, matching_frames
from transforms.stances.tree import SUBJECTS, Tree

IsActor = Callable[[int], bool]
_FINITE = frozenset({"VBZ", "VBD", "VBP", "MD"})
_CLAUSE_HEADS = frozenset({"ROOT", "relcl", "ccomp", "conj", "advcl", "parataxis"})
_MAX_STEPS = 12


def repair(tree: Tree, lexicon: Lexicon, is_actor: IsActor) -> None:
    """Mend the tree; `is_actor(i)` tells whether a mention stands at token i."""
    _lift_from_auxiliaries(tree)
    _retag_verbs(tree, lexicon)
    _free_subjects(tree, is_actor)
    _find_hidden_verbs(tree, lexicon, is_actor)
    _move_appositions(tree, lexicon, is_actor)
    _reattach_statements(tree, lexicon)


def _lift_from_auxiliaries(tree: Tree) -> None:
    """ "A, according to B, has armed C": small models hang A on "has"."""
    for i, dep in enumerate(tree.dep):
        if dep not in ("aux", "auxpass") or not tree.kids[i]:
            continue
        for k in list(tree.kids[i]):
            tree.attach(k, tree.head[i], tree.dep[k])


def _retag_verbs(tree: Tree, lexicon: Lexicon) -> None:
    """ "to sanction B" is no noun, and "had armed B" no "armed B"."""
    for i, tag in enumerate(tree.tag):
        if tag == "NN" and any(tree.lower[k] == "to" for k in tree.children(i, "aux")):
            tree.tag[i] = "VB"
        elif tag == "JJ" and tree.dep[i] == "amod" and i > 0 and tree.lemma[i - 1] == "have":
            thing, perfect = tree.head[i], i - 1
            lemma = _participle_of(tree.lower[i], lexicon)
            if lemma and tree.head[thing] == perfect and tree.dep[thing] == "dobj":
                tree.tag[i], tree.lemma[i] = "VBN", lemma
                above = tree.head[perfect]
                tree.attach(i, i if above == perfect else above, tree.dep[perfect])
                for k in list(tree.kids[perfect]):
                    tree.attach(k, i, tree.dep[k])
                tree.attach(perfect, i, "aux")


def _participle_of(word: str, lexicon: Lexicon) -> str:
    stems = (word.removesuffix("d"), word.removesuffix("ed"), word.removesuffix("ied") + "y")
    return next((stem for stem in stems if stem != word and stem in lexicon.verbs), "")


def _free_subjects(tree: Tree, is_actor: IsActor) -> None:
    """ "which A accuses of fraud": A is the verb's subject, no modifier of it."""
    for i, tag in enumerate(tree.tag):
        if tag not in ("VBZ", "VBD", "VBP") or tree.dep[i] not in _CLAUSE_HEADS:
            continue
        if tree.children(i, *SUBJECTS):
            continue
        for k in tree.children(i, "compound", "nmod", "amod"):
            if k + 1 == i and is_actor(k):
                tree.attach(k, i, "nsubj")


def _find_hidden_verbs(tree: Tree, lexicon: Lexicon, is_actor: IsActor) -> None:
    """ "A and B back C", "the state that A accuses of fraud": a verb taken for another word.

    Only where its clause has no verb, and an actor stands right before it.
    """
    for first, last in tree.bounds:
        verbless = not any(tree.tag[i] in _FINITE for i in range(first, last))
        for i in range(first + 1, last):
            if tree.tag[i][0] == "V" or not is_actor(i - 1) or not _may_be_verb(tree, i, lexicon):
                continue
            if tree.dep[i] == "relcl":
                tree.tag[i] = "VBZ"
                tree.attach(i - 1, i, "nsubj")
            elif verbless and _takes_object(tree, i, last, is_actor):
                verbless = False


def _may_be_verb(tree: Tree, i: int, lexicon: Lexicon) -> bool:
    word = tree.lower[i]
    frames = lexicon.verbs.get(word) or lexicon.verbs.get(word.removesuffix("s")) or ()
    frames = frames or lexicon.verbs.get(word.removesuffix("es")) or ()
    return any(not frame.rest and "object" in frame.target for frame in frames)


def _takes_object(tree: Tree, i: int, last: int, is_actor: IsActor) -> bool:
    """Rebuild a verbless sentence around the verb at `i` if actors stand on both sides of it."""
    right = next((k for k in range(i + 1, min(i + 4, last)) if is_actor(k)), None)
    if right is None or any(tree.tag[k] in ("IN", "TO", ",", "CC") for k in range(i + 1, right)):
        return False
    while right + 1 < last and is_actor(right + 1):
        right += 1
    left = i - 1
    while tree.dep[left] in ("conj", "compound", "nmod") and tree.head[left] < i:
        left = tree.head[left]
    several = any(tree.lower[k] == "and" for k in range(left, i))
    inflected = tree.lower[i].endswith("s")
    if several == inflected:
        return False
    root = next(a for a in (i, *tree.ancestors(i)) if tree.head[a] == a)
    lemma = tree.lower[i]
    tree.tag[i] = "VBZ" if inflected else "VBP"
    tree.lemma[i] = lemma.removesuffix("s") if inflected else lemma
    tree.attach(i, i, "ROOT")
    tree.attach(left, i, "nsubj")
    if root not in (i, left):
        tree.attach(root, i, "dep")
    below = tree.head[right]
    while below != i and tree.head[below] != below and below > i:
        right, below = below, tree.head[below]
    tree.attach(right, i, "dobj")
    return True


def _move_appositions(tree: Tree, lexicon: Lexicon, is_actor: IsActor) -> None:
    """ "accused a member of the Council, Russia, of fraud": Russia is the member, not the Council.

    One actor is never another's name, nor is an actor the name of a thing in a clause about it.
    """
    nouns = lexicon.words["set_nouns"]
    for i, dep in enumerate(tree.dep):
        if dep not in ("appos", "npadvmod") or not is_actor(i):
            continue
        at = tree.head[i]
        if dep == "npadvmod":
            set_off = tree.dep[at] == "relcl" and at < i and tree.lower[i - 1] == ","
            if not set_off:
                continue
        elif not (is_actor(at) or (tree.is_noun(at) and tree.lemma[at] not in nouns)):
            continue
        for _ in range(_MAX_STEPS):
            above = tree.head[at]
            if above == at or tree.dep[at] not in ("pobj", "prep", "relcl", "pcomp", "dobj", "acl"):
                break
            at = above
            if tree.tag[at] in ("NN", "NNS") and tree.lemma[at] in nouns and not is_actor(at):
                tree.attach(i, at, "appos")
                break


def _reattach_statements(tree: Tree, lexicon: Lexicon) -> None:
    """ "A denied that it armed B and blasted C": "blasted" is joined to "denied".

    A word of blame or praise without a subject of its own, joined to a deed inside reported speech,
    belongs to the verb of saying.
    """
    for i, dep in enumerate(tree.dep):
        if dep != "conj" or not tree.is_verb(i):
            continue
        first = tree.head[i]
        if tree.dep[first] != "ccomp" or tree.tag[i] not in ("VBD", "VBZ", "VBP", "VBN"):
            continue
        if tree.children(i, *SUBJECTS) or not _is_statement(tree, i, lexicon):
            continue
        speech = tree.head[first]
        same_tense = tree.tag[speech] == tree.tag[i] or tree.tag[i] == "VBD"
        # "denied that it had voted against B, but condemned C"
        contrasted = any(tree.lower[k] == "but" for k in tree.children(first, "cc"))
        denies = find_phrase(tree, speech, lexicon.speech, ("denying",)) is not None
        same_kind = _is_statement(tree, first, lexicon) and not (contrasted and denies)
        if not same_tense or same_kind:
            continue
        if find_phrase(tree, speech, lexicon.speech) is None:
            continue
        if tree.lower[i - 1] in ("and", "but", "yet") or tree.dep[i - 1] == "advmod":
            tree.attach(i, speech, "conj")


def _is_statement(tree: Tree, i: int, lexicon: Lexicon) -> bool:
    return any(f.kind == "statement" and f.sign for f in matching_frames(tree, i, lexicon.verbs))
