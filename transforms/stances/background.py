"""Whether a predicate is told as history: dated years back, remembered, "once", "former"."""

from __future__ import annotations

import re

from transforms.stances.lexicon import Lexicon
from transforms.stances.tree import Tree

MONTHS = frozenset(
    {
        *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
        *("october", "november", "december"),
    }
)
RECENT = frozenset({"two", "2"})
YEAR = re.compile(r"(1[0-9]{3}|20[0-9]{2})(s|'s|’s)?\Z")
ORDINALS = {
    word: number
    for number, word in enumerate(
        (
            *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
            *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
            *("seventeenth", "eighteenth", "nineteenth", "twentieth"),
        ),
        start=1,
    )
}
CENTURY = re.compile(rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)|({'|'.join(ORDINALS)}))[ -]century\b")
BACKGROUND_YEARS = 3  # what happened three or more years before publication is told as history


class Background:
    """Tells history from news in one document published in `year` (None: unknown)."""

    def __init__(self, tree: Tree, lexicon: Lexicon, year: int | None) -> None:
        self.tree = tree
        self.lexicon = lexicon
        self.year = year

    def tells(self, p: int, trigger: tuple[int, ...]) -> bool:
        """Tell whether the predicate at `p` is told as past history."""
        tree, lists = self.tree, self.lexicon.words
        marks = (k for t in trigger for k in tree.children(t, "amod"))
        if any(tree.lower[k] in lists["former"] for k in marks):
            return True
        for k in tree.children(p, "advmod"):
            # "Once rivals, A and B signed a pact"
            if tree.lower[k] in lists["formerly"] and "," not in tree.lower[k:p]:
                return True
        above = tree.head[p]
        if tree.dep[p] == "xcomp" and tree.lower[above] == "used":
            return not tree.children(above, "dobj")
        if self._is_remembered(p):
            return True
        clause = self._clause_of(p)
        words = sorted(tree.phrase_words(clause))
        text = f" {tree.span_text(words)} "
        if any(f" {phrase} " in text for phrase in self.lexicon.words["history"]):
            # "since the Soviet era" still holds
            return " since " not in text
        if self._is_long_ago(words):
            return " since " not in text
        if self.year is None:
            return False
        if any(century < (self.year + 99) // 100 for century in _centuries(text)):
            return " since " not in text
        for i in words:
            match = YEAR.match(tree.lower[i])
            if match and int(match[1]) <= self.year - BACKGROUND_YEARS and self._dates(i, trigger):
                return tree.lower[tree.head[i]] != "since"
        return False

    def _dates(self, i: int, trigger: tuple[int, ...]) -> bool:
        """Tell whether the year at `i` dates the predicate, and neither counts something nor dates
        another noun: "sent 2000 drones", "condemned its 2014 annexation of C".
        """
        tree = self.tree
        if tree.dep[i] in ("nummod", "nmod", "compound", "amod", "npadvmod") and (
            tree.lower[tree.head[i]] in MONTHS
        ):
            i = tree.head[i]
        above = tree.head[i]
        if tree.dep[i] in ("nummod", "nmod", "compound", "amod", "poss"):
            return above in trigger and tree.tag[above] != "NNS"
        if tree.dep[i] == "pobj":
            above = tree.head[above]
        named = (t for t in trigger if tree.is_noun(t))
        return not tree.is_noun(above) or any(above in tree.subtree(t) for t in named)

    def _is_long_ago(self, words: list[int]) -> bool:
        """Tell whether these words say "in the past" or "five years ago"; two are recent."""
        tree = self.tree
        for i in words:
            if tree.lower[i] == "past" and tree.tag[i] == "NN" and tree.dep[i] == "pobj":
                return True
            if tree.lower[i] == "ago" and i > 0 and tree.lower[i - 1] == "years":
                return i < 2 or tree.lower[i - 2] not in RECENT
        return False

    def _is_remembered(self, p: int) -> bool:
        """Tell whether the predicate tells of a time: "recalls the year in which A attacked B"."""
        tree = self.tree
        for i in (p, *tree.ancestors(p)):
            if tree.dep[i] != "relcl":
                continue
            lemma = tree.lemma[tree.head[i]]
            below = {tree.lower[k] for k in tree.subtree(i) if k < i}
            return lemma in self.lexicon.words["times"] and bool(below & {"when", "which", "that"})
        return False

    def _clause_of(self, p: int) -> int:
        tree = self.tree
        at = p
        while not tree.is_verb(at) and tree.head[at] != at and tree.dep[at] != "appos":
            at = tree.head[at]
        return at


def _centuries(text: str) -> list[int]:
    """Return the numbers of the centuries that a text names: "the 18th century" gives 18."""
    return [int(match[1]) if match[1] else ORDINALS[match[2]] for match in CENTURY.finditer(text)]
