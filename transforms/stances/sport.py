"""Whether a sentence tells of sport, where to attack, crush and beat are figures of speech."""

from __future__ import annotations

import re

from transforms.stances.lexicon import Lexicon
from transforms.stances.tree import Tree

# This many different words of sport make a whole document one.
_WORDS_OF_A_DOCUMENT = 3
_COUNTED = frozenset({"goal", "point", "run", "wicket", "try", "length", "set"})
_SCORE = re.compile(r"\d{1,2}[-–]\d{1,2}\Z")
_BALLOTS = frozenset({"vote", "ruling", "decision", "council", "court", "ballot", "judge"})


class Sport:
    """Tells sport from politics in one document, by the lexicon's words of sport."""

    def __init__(self, tree: Tree, lexicon: Lexicon) -> None:
        self.tree = tree
        self.words = lexicon.words["sport"]
        found = self._found(0, len(tree))
        self._is_document = len(found) >= _WORDS_OF_A_DOCUMENT

    def in_sentence(self, first: int, last: int) -> bool:
        """Tell whether the tokens from `first` to before `last` tell of sport."""
        if self._is_document:
            return True
        tree = self.tree
        lemmas = tree.lemma[first:last]
        if self._found(first, last):
            return True
        if any(tree.lemma[i] in _COUNTED and self._is_margin(i) for i in range(first, last)):
            return True
        scored = any(_SCORE.match(word) for word in tree.lower[first:last])
        return scored and not _BALLOTS & set(lemmas)

    def _found(self, first: int, last: int) -> frozenset[str]:
        """Return the words of sport among these tokens; the parser cuts "semi-final" in three."""
        lemmas = self.tree.lemma
        hyphens = (i for i in range(first + 1, last - 1) if lemmas[i] == "-")
        joined = {f"{lemmas[i - 1]}-{lemmas[i + 1]}" for i in hyphens}
        return self.words & (joined | set(lemmas[first:last]))

    def _is_margin(self, i: int) -> bool:
        """Tell whether a noun is counted after "by": "by six goals"."""
        tree = self.tree
        return bool(tree.children(i, "nummod")) and tree.lower[tree.head[i]] == "by"
