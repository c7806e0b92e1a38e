"""Finding the lexicon's words and phrases at a token of the parse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from transforms.stances.lexicon import Frame, Phrase
from transforms.stances.tree import Tree

Entry = TypeVar("Entry", Frame, Phrase)
_LINKS = frozenset(
    {
        *("prep", "prt", "advmod", "agent", "acomp", "dative", "dobj", "pobj", "attr", "amod"),
        *("xcomp", "neg", "aux", "det"),
    }
)
_BELOW_COPULA = frozenset({"acomp", "xcomp", "prep", "advmod", "attr", "ccomp"})


def phrase_tokens(tree: Tree, head: int, rest: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return the tokens of a phrase's later words, found below its first; None if one is absent.

    A word may hang below any of those found before it; words are looked for in any order.
    """
    if not rest:
        return ()
    bearers = [head]
    waiting = list(rest)
    while waiting:
        found = next(
            (
                (word, k)
                for word in waiting
                for bearer in bearers
                for k in tree.kids[bearer]
                if (tree.lower[k] == word or tree.lemma[k] == word) and tree.dep[k] in _LINKS
            ),
            None,
        )
        if found is None:
            return None
        waiting.remove(found[0])
        bearers.append(found[1])
    return tuple(sorted(bearers[1:]))


def matches_rest(tree: Tree, head: int, rest: tuple[str, ...]) -> bool:
    """Tell whether the words after a phrase's first hang below it."""
    return phrase_tokens(tree, head, rest) is not None


def find_phrase(
    tree: Tree, i: int, index: dict[str, tuple[Phrase, ...]], groups: Iterable[str] = ()
) -> Phrase | None:
    """Return the longest listed phrase at token `i`, of one of `groups` where any are given.

    An adjective below a copula is looked up as "be <adjective>" too.
    """
    wanted = tuple(groups)
    for phrase in index.get(tree.lemma[i], ()):
        if (not wanted or phrase.group in wanted) and matches_rest(tree, i, phrase.rest):
            return phrase
    above = tree.head[i]
    if above != i and tree.dep[i] in _BELOW_COPULA and tree.lemma[above] == "be":
        for phrase in index.get("be", ()):
            if phrase.rest == (tree.lower[i],) and (not wanted or phrase.group in wanted):
                return phrase
    return None


def find_groups(tree: Tree, i: int, index: dict[str, tuple[Phrase, ...]]) -> frozenset[str]:
    """Return the groups of the longest listed phrases at token `i`: "cut" and "cut off" differ."""
    found = [p for p in index.get(tree.lemma[i], ()) if matches_rest(tree, i, p.rest)]
    longest = max((len(p.rest) for p in found), default=0)
    return frozenset(p.group for p in found if len(p.rest) == longest)


def matching_frames(tree: Tree, i: int, frames: dict[str, tuple[Frame, ...]]) -> list[Frame]:
    """Return the frames whose words stand at token `i`, the most specific first."""
    return [f for f in frames.get(tree.lemma[i], ()) if matches_rest(tree, i, f.rest)]
