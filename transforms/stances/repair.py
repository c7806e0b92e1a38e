"""Mends coordination that parsers get wrong, before anything is read.

"A denied that it armed B and blasted C": small models join "blasted" to "armed", inside what is
denied. A word of blame or praise without a subject of its own, joined to a deed inside reported
speech, belongs to the verb of saying.
"""

from __future__ import annotations

from transforms.stances.lexicon import Lexicon
from transforms.stances.phrases import find_phrase, matching_frames
from transforms.stances.tree import SUBJECTS, Tree


def reattach_statements(tree: Tree, lexicon: Lexicon) -> None:
    """Move such conjuncts up, in place."""
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
        if not same_tense or _is_statement(tree, first, lexicon):
            continue
        if find_phrase(tree, speech, lexicon.speech) is None:
            continue
        if tree.lower[i - 1] in ("and", "but", "yet") or tree.dep[i - 1] == "advmod":
            tree.kids[first].remove(i)
            tree.kids[speech].append(i)
            tree.head[i] = speech


def _is_statement(tree: Tree, i: int, lexicon: Lexicon) -> bool:
    return any(f.kind == "statement" and f.sign for f in matching_frames(tree, i, lexicon.verbs))
