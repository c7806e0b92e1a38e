"""Which words may state a fact: a coarse, fast look at hashed words before they are read as tokens.

It errs on one side only. A word without a flag can't be of that kind for `text_view.tokenise`; one
with it may turn out not to be.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers, spread_ranges
from transforms.text_rules import TextRules
from transforms.words import Words, hash_words

WordFacts = npt.NDArray[np.uint16]


class Fact(IntFlag):
    """What a word may be.

    LIGHT words are no names, however they are written; a word without LETTER is all digits.
    """

    NAME = 1
    NUMBER = 2
    WEEKDAY = 4
    DATE = 8
    RELATIVE_DAY = 16
    NEGATION = 32
    OPPOSITE = 64
    LIGHT = 128
    LETTER = 256


# Swapped for another of its kind, each of these makes another text.
SWAPPABLE: Final = Fact.NAME | Fact.NUMBER | Fact.WEEKDAY | Fact.DATE | Fact.RELATIVE_DAY
_NAMELESS: Final = np.uint16(Fact.LIGHT | Fact.WEEKDAY | Fact.RELATIVE_DAY | Fact.NUMBER)
_NO_NAME: Final = np.uint16(~Fact.NAME & 0xFFFF)
_NO_LIGHT: Final = np.uint16(~Fact.LIGHT & 0xFFFF)
_UNKNOWN: Final = SWAPPABLE | Fact.NEGATION | Fact.OPPOSITE | Fact.LETTER


def _letter_facts() -> WordFacts:
    facts = np.full(256, Fact.LETTER, dtype=np.uint16)
    facts[ord("0") : ord("9") + 1] = Fact.NUMBER
    facts[ord("A") : ord("Z") + 1] = Fact.NAME | Fact.LETTER
    facts[ord("?")] = _UNKNOWN  # what letters beyond ASCII come as
    return facts


_LETTER_FACTS: Final = _letter_facts()


class FactWords:
    """The words of `TextRules` that bear on facts, by hash."""

    def __init__(self, rules: TextRules) -> None:
        facts: dict[str, Fact] = {"t": Fact.NEGATION}  # "don't" is hashed as "don" and "t"
        for words, fact in (
            (rules.titles | rules.function_words, Fact.LIGHT),
            (rules.numbers, Fact.NUMBER),
            (rules.weekdays, Fact.WEEKDAY),
            (rules.relative_days, Fact.RELATIVE_DAY),
            (rules.months, Fact.DATE | Fact.NAME),
            (rules.negations, Fact.NEGATION),
            (rules.opposites, Fact.OPPOSITE),
        ):
            for word in words:
                # A single letter may be the first of an acronym.
                if fact is not Fact.LIGHT or len(word) > 1:
                    facts[word] = facts.get(word, Fact(0)) | fact
        hashed = hash_words(list(facts))
        single = hashed.counts == 1
        hashes = hashed.hashes[hashed.bounds[:-1][single]]
        values = np.array(list(facts.values()), dtype=np.uint16)[single]
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._facts = values[order]

    def of(self, words: Words, at: Integers) -> WordFacts:
        """Return what each of the words numbered `at` may be, as `Fact` bits."""
        if not len(at):
            return np.empty(0, dtype=np.uint16)
        hashes = words.hashes[at]
        place = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        listed = np.where(self._hashes[place] == hashes, self._facts[place], 0).astype(np.uint16)
        lengths = words.ends[at] - words.starts[at]
        _, letter = spread_ranges(words.starts[at], lengths)
        written = np.bitwise_or.reduceat(
            _LETTER_FACTS[words.letters[letter]], np.cumsum(lengths) - lengths
        )
        nameless = (listed & _NAMELESS) > 0
        written[nameless] &= _NO_NAME
        return (listed | written) & _NO_LIGHT


def may_contradict(left: WordFacts, right: WordFacts) -> Flags:
    """Say of gaps, each side's facts joined by "or", whether the two sides may contradict."""
    both = left & right
    swapped = both & np.uint16(SWAPPABLE | Fact.OPPOSITE) > 0
    return swapped | ((left | right) & np.uint16(Fact.NEGATION) > 0)
