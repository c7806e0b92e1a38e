"""Which words may state a fact: a coarse, fast look at hashed words before they are read as tokens.

It errs on one side only. A word without a flag can't be of that kind for `text_view.tokenise`; one
with it may turn out not to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers
from transforms.text_rules import TextRules
from transforms.words import Hashes, Written, hash_words

WordFacts = npt.NDArray[np.uint16]


class Fact(IntFlag):
    """What a word may be.

    LIGHT words are no names, however they are written; a word without LETTER is all digits. A word
    on the one SIDE is the opposite of none on the same; a JOINING one adds a name to another.
    """

    NAME = 1
    NUMBER = 2
    WEEKDAY = 4
    DATE = 8
    RELATIVE_DAY = 16
    NEGATION = 32
    ONE_SIDE = 64
    OTHER_SIDE = 128
    LIGHT = 256
    LETTER = 512
    JOINING = 1024


# Swapped for another of its kind, each of these makes another text.
SWAPPABLE: Final = Fact.NAME | Fact.NUMBER | Fact.WEEKDAY | Fact.DATE | Fact.RELATIVE_DAY
_NAMELESS: Final = np.uint16(Fact.LIGHT | Fact.WEEKDAY | Fact.RELATIVE_DAY | Fact.NUMBER)
_NO_NAME: Final = np.uint16(~Fact.NAME & 0xFFFF)
_NO_LIGHT: Final = np.uint16(~Fact.LIGHT & 0xFFFF)
_UNKNOWN: Final = SWAPPABLE | Fact.NEGATION | Fact.ONE_SIDE | Fact.OTHER_SIDE | Fact.LETTER


def _facts_of_kinds(kinds: int) -> int:
    """Return what a word of such characters may be."""
    if kinds & Written.OTHER:
        return _UNKNOWN
    letter = Fact.LETTER if kinds & (Written.SMALL | Written.CAPITAL) else Fact(0)
    number = Fact.NUMBER if kinds & Written.DIGIT else Fact(0)
    return letter | number | (Fact.NAME if kinds & Written.CAPITAL else Fact(0))


_WRITTEN: Final[WordFacts] = np.array([_facts_of_kinds(kinds) for kinds in range(16)], np.uint16)


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
            (rules.joining_words, Fact.JOINING),
            *((frozenset({word}), side) for word, side in _sides(rules.opposites).items()),
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

    def of(self, hashes: Hashes, written: npt.NDArray[np.uint8]) -> WordFacts:
        """Return what each word may be, as `Fact` bits; both columns are as in `Words`."""
        place = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        listed = np.where(self._hashes[place] == hashes, self._facts[place], 0).astype(np.uint16)
        facts = _WRITTEN[written]
        nameless = (listed & _NAMELESS) > 0
        facts[nameless] &= _NO_NAME
        return (listed | facts) & _NO_LIGHT


def only_words(hashes: Hashes, wanted: WordFacts, starts: Integers, filled: Integers) -> Hashes:
    """Return the hash of the only wanted word in each range of words; 0 where there isn't one.

    Ranges follow each other from `starts` on; `filled` numbers those that have words.
    """
    found = np.zeros(len(starts), dtype=np.uint64)
    is_wanted = wanted > 0
    counts = np.add.reduceat(is_wanted.astype(np.int64), starts[filled])
    sums = np.add.reduceat(np.where(is_wanted, hashes, np.uint64(0)), starts[filled])
    found[filled] = np.where(counts == 1, sums, np.uint64(0))
    return found


_compiled: list[tuple[TextRules, FactWords]] = []


def fact_words(rules: TextRules) -> FactWords:
    """Return the rules' words; those of the rules that were asked for last are kept."""
    if not _compiled or _compiled[0][0] is not rules:
        _compiled[:] = [(rules, FactWords(rules))]
    return _compiled[0][1]


def _sides(opposites: Mapping[str, frozenset[str]]) -> dict[str, Fact]:
    """Return each word's side, such that opposites stand on two; both for a word that can't."""
    sides: dict[str, Fact] = {}
    for start in sorted(opposites):
        sides.setdefault(start, Fact.ONE_SIDE)
        waiting = [start]
        while waiting:
            word = waiting.pop()
            there = Fact.OTHER_SIDE if sides[word] == Fact.ONE_SIDE else Fact.ONE_SIDE
            for other in sorted(opposites[word]):
                if other not in sides:
                    sides[other] = there
                    waiting.append(other)
                elif sides[other] != there:
                    sides[other] = Fact.ONE_SIDE | Fact.OTHER_SIDE
    return sides


def may_contradict(left: WordFacts, right: WordFacts) -> Flags:
    """Say of gaps, each side's facts joined by "or", whether the two sides may contradict."""
    swapped = left & right & np.uint16(SWAPPABLE) > 0
    for one, other in ((left, right), (right, left)):
        swapped |= (one & np.uint16(Fact.ONE_SIDE) > 0) & (other & np.uint16(Fact.OTHER_SIDE) > 0)
        # Only a side without any words has no bit at all.
        joined = (one == 0) & (other & np.uint16(Fact.NAME) > 0)
        swapped |= joined & (other & np.uint16(Fact.JOINING) > 0)
    return swapped | ((left | right) & np.uint16(Fact.NEGATION) > 0)
