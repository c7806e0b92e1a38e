"""`same_text` for many pairs at once: what the texts of a cell share is found by column.

Only what the columns leave in doubt is read word by word: short texts, and gaps whose words may
state facts that differ. The verdicts are those of `same_text`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.alignment import Gap
from transforms.cell_texts import CellTexts
from transforms.columns import Flags, Integers, distinct_rows, ranges, spread_ranges
from transforms.fact_words import (
    SWAPPABLE,
    Fact,
    WordFacts,
    fact_words,
    may_contradict,
    only_words,
)
from transforms.hashed_texts import (
    GROUP,
    HASH_BITS,
    MAX_PLACE,
    PLACE_BITS,
    TextRows,
    hash_texts,
)
from transforms.neutral_words import NeutralWords
from transforms.passages import Blocks, Gaps, find_blocks, find_gaps
from transforms.same_text import (
    MAX_SWAP_WORDS,
    MIN_SHARED,
    Verdict,
    cannot_answer,
    contradiction,
    keeps_too_little,
    same_name,
    same_text,
)
from transforms.settings import DeduplicateSettings
from transforms.text_rules import TextRules
from transforms.text_view import TextView, tokenise
from transforms.words import CURRENCIES, SIGNS, Hashes

METHODS: Final = ("none", "exact", "jaccard", "containment", "short")
# Pairs whose shingles are sorted together. A pair's number stands over the hash, the side and the
# place: as many as there is room for, and few enough to stay in cache.
PAIRS: Final = 1 << (64 - PLACE_BITS - 1 - HASH_BITS)
_SIDE: Final = np.uint64(PLACE_BITS)
_PAIR: Final = np.uint64(PLACE_BITS + 1 + HASH_BITS)
_PLACE: Final = np.uint64(MAX_PLACE)
# What stands before a word that opens a sentence, or goes on with a number.
_PARTING: Final = f'\n"\u201c,.{SIGNS}{CURRENCIES}'
# Shingles compared at once; bounds the memory of a comparison.
LOOKUPS: Final = 1 << 20


class Verdicts(NamedTuple):
    """Verdicts by column, as in `same_text.Verdict`.

    `similarity` isn't rounded yet; `method` is a number, its place in METHODS.
    """

    same: Flags
    similarity: npt.NDArray[np.float64]
    method: Integers

    def put(self, place: int, verdict: Verdict) -> None:
        """Take over one verdict."""
        self.same[place] = verdict.same
        self.similarity[place] = verdict.similarity
        self.method[place] = METHODS.index(verdict.method)


class TextPairs:
    """Some texts, any of whose pairs can be compared: those of a cell that are asked for.

    They are known by their place in `chosen`, each of which is at hand.
    """

    def __init__(
        self,
        texts: CellTexts,
        chosen: Integers,
        settings: DeduplicateSettings,
        rules: TextRules,
    ) -> None:
        read = [texts.read[at] for at in chosen.tolist()]
        self._texts = [text for text in read if text is not None]
        self._settings = settings
        self._rules = rules
        groups, group, row = list(texts.groups), texts.group[chosen], texts.row[chosen]
        unknown = np.flatnonzero(group < 0)
        bodies = [self._texts[at].text for at in unknown.tolist()]
        for start, made in enumerate(hash_texts(bodies, settings.shingle_words)):
            some = unknown[start * GROUP : (start + 1) * GROUP]
            group[some], row[some] = len(groups), np.arange(len(some))
            groups.append(made)
        self._rows = TextRows(groups, group, row)
        # In the order of `same_text`.
        self._rank = np.argsort(np.lexsort((self._rows.sequences, self._rows.counts)))
        self._facts = fact_words(rules)
        self._neutral = NeutralWords([text.outlet for text in self._texts], rules)
        self._views: dict[int, TextView] = {}
        self._same_names: dict[tuple[str, str], bool] = {}

    def compare(self, ones: Integers, others: Integers) -> Verdicts:
        """Return the verdict on each pair of texts, named by their numbers."""
        swap = self._rank[others] < self._rank[ones]
        left, right = np.where(swap, others, ones), np.where(swap, ones, others)
        counts = self._rows.counts[left], self._rows.counts[right]
        size = np.minimum(*counts)
        is_long = size >= max(self._settings.short_words, self._settings.shingle_words)
        equal = is_long & (self._rows.sequences[left] == self._rows.sequences[right])
        # A place past the last that a shingle can name is no place.
        by_column = is_long & ~equal & (np.maximum(*counts) <= MAX_PLACE)
        verdicts = Verdicts(
            same=equal.copy(),
            similarity=equal.astype(np.float64),
            method=np.where(equal, METHODS.index("exact"), 0),
        )
        for pair in np.flatnonzero(~by_column & ~equal).tolist():
            views = self._view(int(left[pair])), self._view(int(right[pair]))
            verdicts.put(pair, same_text(*views, self._settings))
        rest = np.flatnonzero(by_column)
        if not len(rest):
            return verdicts
        lookups = np.cumsum(self._rows.sizes[left[rest]]) // LOOKUPS
        for part in np.split(rest, np.flatnonzero(np.diff(lookups)) + 1):
            found = self._compare_long(left[part], right[part])
            verdicts.same[part] = found.same
            verdicts.similarity[part] = found.similarity
            verdicts.method[part] = found.method
        return verdicts

    def _compare_long(self, left: Integers, right: Integers) -> Verdicts:
        settings = self._settings
        parts = [
            self._passages(left[start : start + PAIRS], right[start : start + PAIRS], start)
            for start in range(0, len(left), PAIRS)
        ]
        shared = np.concatenate([shared for shared, _ in parts])
        blocks = Blocks(*map(np.concatenate, zip(*(found for _, found in parts), strict=True)))
        sizes = self._rows.sizes[left], self._rows.sizes[right]
        jaccard = shared / (sizes[0] + sizes[1] - shared)
        enough = shared >= MIN_SHARED * np.minimum(*sizes)
        lengths = self._rows.counts[left], self._rows.counts[right]
        words = np.bincount(blocks.pair, blocks.size, len(left)).astype(np.int64)
        contained = words / np.minimum(*lengths)
        by_jaccard = enough & (jaccard >= settings.min_jaccard)
        by_passages = enough & ~by_jaccard & (contained >= settings.min_containment)
        deep = by_passages & self._deep(blocks, lengths[0] >= lengths[1])
        alike = (by_jaccard | by_passages) & ~deep
        doubts = self._doubts(left, right, blocks, alike, words // settings.words_per_conflict)
        return Verdicts(
            same=alike & ~doubts,
            similarity=np.minimum(1.0, np.where(by_passages, contained, jaccard)),
            method=np.where(by_passages, METHODS.index("containment"), METHODS.index("jaccard")),
        )

    def _passages(self, left: Integers, right: Integers, number: int) -> tuple[Integers, Blocks]:
        """Return how many shingles each of at most `PAIRS` pairs shares, and the passages.

        Pairs that share too few have no passages; the first pair has this number.

        In one sorted column, equal shingles of a pair are neighbours: a text has each of its
        shingles once, so two neighbours that differ in the side alone are one shingle of both.
        """
        texts = np.column_stack((left, right)).ravel()
        sizes = self._rows.sizes[texts]
        side = np.arange(len(texts), dtype=np.uint64)
        above = (side >> np.uint64(1) << _PAIR) | ((side & np.uint64(1)) << _SIDE)
        column = np.concatenate([self._rows.shingles[text] for text in texts.tolist()])
        column |= np.repeat(above, sizes)
        column.sort(kind="stable")  # each text's are sorted: to merge them is faster
        named = column >> _SIDE
        hit = np.flatnonzero((named[1:] ^ named[:-1]) == 1)
        ours, theirs = column[hit], column[hit + 1]
        pair = (ours >> _PAIR).view(np.int64)
        shared = np.bincount(pair, minlength=len(left))
        # Written where they stand in the left texts, they come in order.
        lengths = np.minimum(self._rows.counts[left], MAX_PLACE + 1)
        base = np.cumsum(lengths) - lengths
        there = np.zeros(int(lengths.sum()), dtype=np.int64)
        there[base[pair] + (ours & _PLACE).view(np.int64)] = (theirs & _PLACE).view(np.int64) + 1
        enough = shared >= MIN_SHARED * np.minimum(sizes[::2], sizes[1::2])
        if not enough.all():
            there[np.repeat(~enough, lengths)] = 0
        found = np.flatnonzero(there)
        kept = np.where(enough, shared, 0)
        blocks = find_blocks(
            np.repeat(np.arange(number, number + len(left)), kept),
            found - np.repeat(base, kept),
            there[found] - 1,
            self._settings.shingle_words,
        )
        return shared, blocks

    def _deep(self, blocks: Blocks, longer_is_left: Flags) -> Flags:
        """Say of each pair whether the shorter text stands deep inside the longer."""
        limit = self._settings.max_intro_words
        start = np.full(len(longer_is_left), limit + 1)
        starts = np.where(longer_is_left[blocks.pair], blocks.left, blocks.right)
        whole = blocks.size >= 2 * self._settings.shingle_words
        np.minimum.at(start, blocks.pair[whole], starts[whole])
        deep: Flags = start > limit
        return deep

    def _doubts(
        self, left: Integers, right: Integers, blocks: Blocks, alike: Flags, allowed: Integers
    ) -> Flags:
        """Say which pairs contradict each other in their gaps.

        `allowed` is how many swaps are taken for corrections.
        """
        gaps = find_gaps(blocks, alike, self._rows.counts[left], self._rows.counts[right])
        sizes = gaps.left_end - gaps.left, gaps.right_end - gaps.right
        low, high = np.minimum(*sizes), np.maximum(*sizes)
        gaps = gaps.take((high > 0) & ~cannot_answer(low, high))
        facts, equal = self._read(left[gaps.pair], right[gaps.pair], gaps)
        doubtful = may_contradict(*facts) & ~equal
        doubtful[doubtful] = ~self._keep_too_little(left, right, gaps.take(doubtful))
        gaps, facts = gaps.take(doubtful), (facts[0][doubtful], facts[1][doubtful])
        refused = self._surely_refused(left, right, gaps, facts, allowed)
        read: dict[int, list[Gap]] = {}
        for pair, *ends in zip(
            *(column.tolist() for column in gaps.take(~refused[gaps.pair])), strict=True
        ):
            read.setdefault(pair, []).append(Gap(*ends))
        for pair, between in read.items():
            views = self._view(int(left[pair])), self._view(int(right[pair]))
            said = contradiction(*views, between, int(allowed[pair]), self._settings)
            refused[pair] = bool(said)
        return refused

    def _keep_too_little(self, left: Integers, right: Integers, gaps: Gaps) -> Flags:
        """Say of each gap whether its sides have too few words in common to answer each other."""
        sizes = gaps.left_end - gaps.left, gaps.right_end - gaps.right
        longer = np.maximum(*sizes)
        long = np.flatnonzero(keeps_too_little(0, longer))
        sides = [
            (texts[gaps.pair[long]], firsts[long], counts[long])
            for texts, firsts, counts in (
                (left, gaps.left, sizes[0]),
                (right, gaps.right, sizes[1]),
            )
        ]
        texts, firsts, counts = (np.concatenate(column) for column in zip(*sides, strict=True))
        place, at = spread_ranges(firsts, counts)
        hashes, _ = self._rows.words(texts[place], at)
        side, gap = np.divmod(place, max(1, len(long)))
        order = np.lexsort((side, hashes, gap))
        order = order[distinct_rows(gap[order], hashes[order], side[order])]
        again = order[~distinct_rows(gap[order], hashes[order])]
        common = np.zeros(len(longer), dtype=np.int64)
        common[long] = np.bincount(gap[again], minlength=len(long))
        few: Flags = keeps_too_little(common, longer)
        return few

    def _surely_refused(
        self,
        left: Integers,
        right: Integers,
        gaps: Gaps,
        facts: tuple[WordFacts, WordFacts],
        allowed: Integers,
    ) -> Flags:
        """Say which pairs swap one fact for another of which `contradiction` is sure to complain.

        Those are two numbers, or two names that differ, within a sentence and not the outlet's;
        and where one swap is too many. One such gap refuses a pair, so that each pair's are read
        one by one, numbers first, until one does.
        """
        sizes = gaps.left_end - gaps.left, gaps.right_end - gaps.right
        weighs = np.minimum(gaps.left, gaps.right) < self._settings.lead_words
        weighs |= allowed[gaps.pair] == 0
        numbers = (facts[0] == Fact.NUMBER) & (facts[1] == Fact.NUMBER)
        numbers &= np.maximum(*sizes) <= MAX_SWAP_WORDS
        name = Fact.NAME | Fact.LETTER
        names = (facts[0] == name) & (facts[1] == name) & (np.maximum(*sizes) == 1)
        waiting = np.flatnonzero(weighs & (numbers | (names & (np.minimum(*sizes) == 1))))
        waiting = waiting[np.lexsort((~numbers[waiting], gaps.pair[waiting]))]
        refused = np.zeros(len(left), dtype=np.bool_)
        while len(waiting):
            first = distinct_rows(gaps.pair[waiting])
            chosen, waiting = gaps.take(waiting[first]), waiting[~first]
            ours = self._said(left[chosen.pair], chosen.left, chosen.left_end)
            theirs = self._said(right[chosen.pair], chosen.right, chosen.right_end)
            swapped = [
                bool(one and other) and not self._is_one_name(one, other)
                for one, other in zip(ours, theirs, strict=True)
            ]
            refused[chosen.pair[np.array(swapped, dtype=np.bool_)]] = True
            waiting = waiting[~refused[gaps.pair[waiting]]]
        return refused

    def _said(self, texts: Integers, firsts: Integers, ends: Integers) -> list[str]:
        """Return the name or number that each range of words is, if it stands within a sentence.

        It is "" for others, for the outlet's, and for what may be part of a longer number.
        """
        hashes = self._rows.words(texts, firsts)[0]
        neutral = self._neutral.are_neutral(texts, firsts, hashes, self._rows)
        last_ends = self._rows.spans(texts, ends - 1)[1].tolist()
        several = (ends - 1 > firsts).tolist()
        starts = self._rows.spans(texts, firsts)[0]
        before = self._rows.spans(texts, np.maximum(firsts - 1, 0))[1]
        # What may part sentences is longer than one character, or one of `_PARTING`.
        inside = (firsts > 0) & (before == starts - 1)
        said = [""] * len(texts)
        for at in np.flatnonzero(inside & ~neutral).tolist():
            body, start = self._rows.bodies[texts[at]], int(starts[at])
            if body[start - 1] not in _PARTING:
                words = body[start : last_ends[at]]
                said[at] = self._number(words) if several[at] else words.casefold()
        return said

    def _number(self, said: str) -> str:
        """Return the number that several words of digits are; "" where they are more than one."""
        tokens = tokenise(said, self._rules, opens=False)
        return tokens[0].word if len(tokens) == 1 else ""

    def _is_one_name(self, one: str, other: str) -> bool:
        """Return `same_name`; the same few names meet again and again."""
        if (one, other) not in self._same_names:
            self._same_names[one, other] = same_name(one, other, self._rules)
        return self._same_names[one, other]

    def _read(
        self, left: Integers, right: Integers, gaps: Gaps
    ) -> tuple[tuple[WordFacts, WordFacts], Flags]:
        """Return the facts that either side of each gap may state, joined by "or", and which gaps
        have equal words on both sides.

        Where the two sides have one and the same word of a kind, it is swapped for no other.
        """
        count = len(gaps.pair)
        sizes = np.concatenate((gaps.left_end - gaps.left, gaps.right_end - gaps.right))
        owner, places = spread_ranges(np.concatenate((gaps.left, gaps.right)), sizes)
        texts = np.concatenate((left, right))[owner]
        hashes, written = self._rows.words(texts, places)
        facts = self._facts.of(hashes, written)
        self._drop_neutral(texts, places, hashes, facts)
        joined = np.zeros(2 * count, dtype=np.uint16)
        starts = np.cumsum(sizes) - sizes
        filled = np.flatnonzero(sizes)
        if len(filled):
            joined[filled] = np.bitwise_or.reduceat(facts, starts[filled])
            for fact in SWAPPABLE:
                only = only_words(hashes, facts & np.uint16(fact), starts, filled)
                kept = (only[:count] == only[count:]) & (only[:count] > 0)
                joined[:count][kept] &= np.uint16(~fact & 0xFFFF)
        equal = (sizes[:count] == sizes[count:]) & (sizes[:count] > 0)
        if equal.any():
            alike = np.flatnonzero(equal)
            ours = ranges(starts[alike], sizes[alike])
            theirs = ranges(starts[alike + count], sizes[alike])
            firsts = np.cumsum(sizes[alike]) - sizes[alike]
            equal[alike] = np.logical_and.reduceat(hashes[ours] == hashes[theirs], firsts)
        return (joined[:count], joined[count:]), equal

    def _drop_neutral(
        self, texts: Integers, places: Integers, hashes: Hashes, facts: WordFacts
    ) -> None:
        """Take the flag of a name from words that name the outlet or an agency."""
        named = np.flatnonzero((facts & np.uint16(Fact.NAME)) > 0)
        some = texts[named], places[named], hashes[named]
        named = named[self._neutral.are_neutral(*some, self._rows)]
        kept = []
        edges = (column.tolist() for column in self._rows.spans(texts[named], places[named]))
        for text, start, end in zip(texts[named].tolist(), *edges, strict=True):
            body = self._rows.bodies[text]
            # Else it may be part of a longer name: "O'Herald".
            around = body[max(start - 1, 0) : start] + body[end : end + 1]
            kept.append(not any(mark.isalnum() or mark in "'\u2019" for mark in around))
        facts[named[np.array(kept, dtype=np.bool_)]] &= np.uint16(~Fact.NAME & 0xFFFF)

    def _view(self, number: int) -> TextView:
        """Return a text as `same_text` reads it, its words hashed already."""
        if number not in self._views:
            text = self._texts[number]
            view = TextView("", text.title, text.text, text.outlet, self._rules)
            view.know(self._rows.bodies[number], self._rows.all_words(number))
            self._views[number] = view
        return self._views[number]
