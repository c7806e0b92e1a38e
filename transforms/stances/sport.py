"""Whether a sentence tells of sport, where to attack, crush and beat are figures of speech."""

from __future__ import annotations

import re

from transforms.stances.lexicon import Lexicon
from transforms.stances.tree import Tree

# A word of sport tells of it in its own sentence, two of them in the sentences before: never more
# of the document, since a near copy is parsed with little context and must be read alike.
_WORDS_BEFORE = 2
_SENTENCES_BEFORE = 2
_SCORE = re.compile(r"\d{1,2}[-–]\d{1,2}\Z")


class Sport:
    """Tells sport from politics in one document, by the lexicon's words of sport."""

    def __init__(self, tree: Tree, lexicon: Lexicon) -> None:
        self.tree = tree
        self.words = lexicon.words["sport"]
        self.bloodshed = lexicon.words["bloodshed"]
        self.counts = lexicon.words["sport_counts"]
        self.ballots = lexicon.words["ballots"]

    def in_sentence(self, number: int) -> bool:
        """Tell whether a sentence of the tree tells of sport."""
        tree = self.tree
        first, last = tree.bounds[number]
        lemmas = tree.lemma[first:last]
        if not self.bloodshed.isdisjoint(lemmas):
            return False  # a missile that hits a football stadium is no figure of speech
        if self._found(first, last):
            return True
        if any(tree.lemma[i] in self.counts and self._is_margin(i) for i in range(first, last)):
            return True
        if any(_SCORE.match(word) for word in tree.lower[first:last]):
            return self.ballots.isdisjoint(lemmas)
        begin = tree.bounds[max(0, number - _SENTENCES_BEFORE)][0]
        before = self._found(begin, first)
        return len(before) >= _WORDS_BEFORE and self.bloodshed.isdisjoint(tree.lemma[begin:first])

    def _found(self, first: int, last: int) -> frozenset[str]:
        """Return the words of sport among these tokens; the parser cuts "semi-final" in three."""
        lemmas = self.tree.lemma
        found = self.words.intersection(lemmas[first:last])
        hyphens = (i for i in range(first + 1, last - 1) if lemmas[i] == "-")
        return found.union(
            joined
            for joined in (f"{lemmas[i - 1]}-{lemmas[i + 1]}" for i in hyphens)
            if joined in self.words
        )

    def _is_margin(self, i: int) -> bool:
        """Tell whether a noun is counted after "by": "by six goals"."""
        tree = self.tree
        return bool(tree.children(i, "nummod")) and tree.lower[tree.head[i]] == "by"
