"""`same_text` for many pairs at once: what the texts of a cell share is found by column.

Only what the columns leave in doubt is read word by word: short texts, and gaps whose words may
state facts that differ. The verdicts are those of `same_text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from transforms.alignment import Gap, shared_passages
from transforms.columns import Flags, Integers, distinct_rows, spread_ranges
from transforms.fact_words import Fact, FactWords, WordFacts, may_contradict
from transforms.frame import strip_frame
from transforms.same_text import (
    MIN_SHARED,
    Verdict,
    cannot_answer,
    contradiction,
    same_text,
    swaps_number,
)
from transforms.settings import DeduplicateSettings
from transforms.text_rules import TextRules
from transforms.text_view import TextView
from transforms.words import Hashes, hash_words, runs, sequence_hashes

# Shingles looked up at once; bounds the memory of a comparison.
LOOKUPS: Final = 1 << 20


class Text(NamedTuple):
    """An article's text on its way to a comparison; `signature` and `shingles` as in its sketch."""

    id: str
    title: str
    text: str
    outlet: str
    signature: bytes = b""
    shingles: int = 0


class _Blocks(NamedTuple):
    """Passages that pairs share, by pair and `left` position; words, one item a passage."""

    pair: Integers
    left: Integers
    right: Integers
    size: Integers


class _Gaps(NamedTuple):
    """What stands between passages, by pair: word ranges of both texts, as in `alignment.Gap`."""

    pair: Integers
    left: Integers
    left_end: Integers
    right: Integers
    right_end: Integers

    def take(self, chosen: Integers | Flags) -> _Gaps:
        """Return some of the gaps."""
        return _Gaps(*(column[chosen] for column in self))


class TextPairs:
    """A few hundred texts, hashed together, any of whose pairs can be compared."""

    def __init__(
        self, texts: Sequence[Text], settings: DeduplicateSettings, rules: TextRules
    ) -> None:
        self._texts = texts
        self._settings = settings
        self._rules = rules
        self._bodies = [strip_frame(text.text) for text in texts]
        self._words = hash_words(self._bodies)
        self._counts = self._words.counts
        self._sequences = sequence_hashes(self._words)
        self._facts = FactWords(rules)
        self._views: dict[int, TextView] = {}
        order = sorted(range(len(texts)), key=lambda at: (texts[at].text, *texts[at][1::2]))
        self._rank = np.empty(len(texts), dtype=np.int64)
        self._rank[order] = np.arange(len(texts))
        self._index_runs()

    def _index_runs(self) -> None:
        """Index each text's distinct shingles, at their first places: by hash, and in text order.

        The text's number is packed over the hash's last bits, so that one table serves all texts.
        """
        width = self._settings.shingle_words
        owner = np.repeat(np.arange(len(self._texts)), self._counts)
        every = runs(self._words.hashes, width)
        whole = np.flatnonzero(owner[: len(every)] == owner[len(owner) - len(every) :])
        self._owner_bits = np.uint64(max(1, (len(self._texts) - 1).bit_length()))
        hashes = every[whole] >> self._owner_bits
        packed = self._pack(owner[whole], hashes)
        order = np.argsort(packed, kind="stable")
        order = order[distinct_rows(packed[order])]
        self._table = packed[order]
        place = whole - self._words.bounds[owner[whole]]
        self._table_places = place[order]
        in_order = np.sort(order)
        self._run_hashes, self._run_places = hashes[in_order], place[in_order]
        self._run_counts = np.bincount(owner[whole][in_order], minlength=len(self._texts))
        self._run_starts = np.cumsum(self._run_counts) - self._run_counts

    def _pack(self, owner: Integers, hashes: Hashes) -> Hashes:
        packed: Hashes = (owner.astype(np.uint64) << (np.uint64(64) - self._owner_bits)) | hashes
        return packed

    def compare(self, ones: Integers, others: Integers) -> list[Verdict]:
        """Return the verdict on each pair of texts, named by their numbers."""
        swap = self._rank[ones] > self._rank[others]
        left, right = np.where(swap, others, ones), np.where(swap, ones, others)
        verdicts: dict[int, Verdict] = {}
        size = np.minimum(self._counts[left], self._counts[right])
        is_long = size >= max(self._settings.short_words, self._settings.shingle_words)
        equal = is_long & (self._sequences[left] == self._sequences[right])
        for pair in np.flatnonzero(equal).tolist():
            verdicts[pair] = Verdict(True, 1.0, "exact", "equal words")
        for pair in np.flatnonzero(~is_long).tolist():
            verdicts[pair] = self._compare_views(left[pair], right[pair])
        rest = np.flatnonzero(is_long & ~equal)
        lookups = np.cumsum(self._run_counts[left[rest]]) // LOOKUPS
        for part in np.split(rest, np.flatnonzero(np.diff(lookups)) + 1):
            found = self._compare_long(left[part], right[part])
            verdicts.update(zip(part.tolist(), found, strict=True))
        return [verdicts[pair] for pair in range(len(left))]

    def _compare_long(self, left: Integers, right: Integers) -> list[Verdict]:
        settings = self._settings
        pair, at, to = self._shared(left, right)
        shared = np.bincount(pair, minlength=len(left))
        sizes = self._run_counts[left], self._run_counts[right]
        jaccard = shared / (sizes[0] + sizes[1] - shared)
        enough = shared >= MIN_SHARED * np.minimum(*sizes)
        kept = enough[pair]
        blocks = _blocks(pair[kept], at[kept], to[kept], settings.shingle_words)
        lengths = self._counts[left], self._counts[right]
        words = np.bincount(blocks.pair, blocks.size, len(left)).astype(np.int64)
        contained = words / np.minimum(*lengths)
        by_jaccard = enough & (jaccard >= settings.min_jaccard)
        by_passages = enough & ~by_jaccard & (contained >= settings.min_containment)
        deep = by_passages & self._deep(blocks, lengths[0] >= lengths[1])
        alike = (by_jaccard | by_passages) & ~deep
        likeness = np.minimum(1.0, np.where(by_passages, contained, jaccard))
        doubts = self._doubts(left, right, blocks, alike, words // settings.words_per_conflict)
        verdicts = []
        for number, similarity in enumerate(likeness.tolist()):
            reason = "same passages"
            if not alike[number]:
                reason = "passage inside a longer text" if deep[number] else "different wording"
            elif number in doubts:
                reason = doubts[number] or reason
            method = "containment" if by_passages[number] else "jaccard"
            same = reason == "same passages"
            verdicts.append(Verdict(same, round(similarity, 4), method, reason))
        return verdicts

    def _shared(self, left: Integers, right: Integers) -> tuple[Integers, Integers, Integers]:
        """Return the shingles that each pair shares: the pair, and the places in both texts."""
        pair, at = spread_ranges(self._run_starts[left], self._run_counts[left])
        wanted = self._pack(right[pair], self._run_hashes[at])
        place = np.minimum(np.searchsorted(self._table, wanted), len(self._table) - 1)
        hit = np.flatnonzero(self._table[place] == wanted)
        return pair[hit], self._run_places[at[hit]], self._table_places[place[hit]]

    def _deep(self, blocks: _Blocks, longer_is_left: Flags) -> Flags:
        """Say of each pair whether the shorter text stands deep inside the longer."""
        limit = self._settings.max_intro_words
        start = np.full(len(longer_is_left), limit + 1)
        starts = np.where(longer_is_left[blocks.pair], blocks.left, blocks.right)
        whole = blocks.size >= 2 * self._settings.shingle_words
        np.minimum.at(start, blocks.pair[whole], starts[whole])
        deep: Flags = start > limit
        return deep

    def _doubts(
        self, left: Integers, right: Integers, blocks: _Blocks, alike: Flags, allowed: Integers
    ) -> dict[int, str]:
        """Return what contradicts in each pair whose gaps may do so; "" for nothing.

        `allowed` is how many swaps are taken for corrections.
        """
        gaps = _gaps(blocks, alike, self._counts[left], self._counts[right])
        sizes = gaps.left_end - gaps.left, gaps.right_end - gaps.right
        low, high = np.minimum(*sizes), np.maximum(*sizes)
        gaps = gaps.take((high > 0) & ~cannot_answer(low, high))
        bounds = self._words.bounds
        starts = bounds[left[gaps.pair]] + gaps.left, bounds[right[gaps.pair]] + gaps.right
        sizes = gaps.left_end - gaps.left, gaps.right_end - gaps.right
        facts = self._facts_between(starts[0], sizes[0]), self._facts_between(starts[1], sizes[1])
        doubtful = may_contradict(*facts) & ~self._equal_ranges(starts, sizes)
        # One number for another is a swap, whatever the words around it.
        in_lead = np.minimum(gaps.left, gaps.right) < self._settings.lead_words
        numbers = (facts[0] == Fact.NUMBER) & (facts[1] == Fact.NUMBER) & (sizes[0] == 1)
        sure = numbers & (sizes[1] == 1) & (in_lead | (allowed[gaps.pair] == 0))
        read: dict[int, list[Gap]] = {}
        swaps: dict[int, Gap] = {}
        columns = gaps.take(doubtful)
        for pair, *ends, swap in zip(
            *(column.tolist() for column in columns), sure[doubtful].tolist(), strict=True
        ):
            read.setdefault(pair, []).append(Gap(*ends))
            if swap:
                swaps.setdefault(pair, Gap(*ends))
        found = {}
        for pair, between in read.items():
            views = self._view(int(left[pair])), self._view(int(right[pair]))
            if pair in swaps and swaps_number(*views, swaps[pair]):
                found[pair] = "number"
            else:
                found[pair] = contradiction(*views, between, int(allowed[pair]), self._settings)
        return found

    def _facts_between(self, starts: Integers, counts: Integers) -> WordFacts:
        """Return the facts that each range of words may state, joined by "or"."""
        joined = np.zeros(len(starts), dtype=np.uint16)
        filled = counts > 0
        if filled.any():
            _, at = spread_ranges(starts[filled], counts[filled])
            firsts = np.cumsum(counts[filled]) - counts[filled]
            joined[filled] = np.bitwise_or.reduceat(self._facts.of(self._words, at), firsts)
        return joined

    def _equal_ranges(
        self, starts: tuple[Integers, Integers], sizes: tuple[Integers, Integers]
    ) -> Flags:
        """Say which ranges of words are equal word by word on both sides."""
        equal: Flags = (sizes[0] == sizes[1]) & (sizes[0] > 0)
        counts = sizes[0][equal]
        if len(counts):
            hashes = self._words.hashes
            same = (
                hashes[spread_ranges(starts[0][equal], counts)[1]]
                == hashes[spread_ranges(starts[1][equal], counts)[1]]
            )
            equal[equal] = np.logical_and.reduceat(same, np.cumsum(counts) - counts)
        return equal

    def _compare_views(self, one: int, other: int) -> Verdict:
        return same_text(self._view(int(one)), self._view(int(other)), self._settings)

    def _view(self, number: int) -> TextView:
        """Return a text as `same_text` reads it, its words hashed already."""
        if number not in self._views:
            words = self._words
            span = slice(int(words.bounds[number]), int(words.bounds[number + 1]))
            offset = words.offsets[number]
            text = self._texts[number]
            view = TextView(text.id, text.title, text.text, text.outlet, self._rules)
            view.know(
                self._bodies[number],
                (words.hashes[span], words.starts[span] - offset, words.ends[span] - offset),
            )
            self._views[number] = view
        return self._views[number]


def _blocks(pair: Integers, left: Integers, right: Integers, width: int) -> _Blocks:
    """Return what `shared_passages` does for each pair; shingles come by pair and `left` place.

    A shingle that stood earlier already is missing from a passage, which goes on all the same.
    """
    step = left[1:] - left[:-1]
    parted = np.ones(len(pair), dtype=np.bool_)
    parted[1:] = (pair[1:] != pair[:-1]) | (step != right[1:] - right[:-1]) | (step >= width)
    starts = np.flatnonzero(parted)
    lasts = np.append(starts[1:], len(pair))[: len(starts)] - 1
    blocks = _Blocks(pair[starts], left[starts], right[starts], left[lasts] - left[starts] + width)
    overlap = (blocks.left[1:] < (blocks.left + blocks.size)[:-1]) & (
        blocks.pair[1:] == blocks.pair[:-1]
    )
    knotted = np.unique(blocks.pair[1:][overlap])
    if not len(knotted):
        return blocks
    rest = ~np.isin(blocks.pair, knotted)
    loose = [_Blocks(*(column[rest] for column in blocks))]
    begins, ends = np.searchsorted(pair, knotted), np.searchsorted(pair, knotted, side="right")
    for number, begin, end in zip(knotted.tolist(), begins.tolist(), ends.tolist(), strict=True):
        found = shared_passages(left[begin:end], right[begin:end], width)
        columns = np.array([(number, b.left, b.right, b.size) for b in found], dtype=np.int64).T
        loose.append(_Blocks(*columns))
    joined = _Blocks(*(np.concatenate(column) for column in zip(*loose, strict=True)))
    order = np.lexsort((joined.left, joined.pair))
    return _Blocks(*(column[order] for column in joined))


def _gaps(blocks: _Blocks, wanted: Flags, left_sizes: Integers, right_sizes: Integers) -> _Gaps:
    """Return what `alignment.gaps` does for each wanted pair, by pair and `left` place."""
    kept = wanted[blocks.pair]
    pair, left, right, size = (column[kept] for column in blocks)
    opens = distinct_rows(pair)
    closes = np.append(opens[1:], True)[: len(pair)]
    # Which passage follows in the right text: the next one, where both agree on the order.
    by_right = np.lexsort((right, pair))
    rank = np.empty(len(pair), dtype=np.int64)
    rank[by_right] = np.arange(len(pair))
    first = np.flatnonzero(opens)[np.cumsum(opens) - 1]
    last = np.flatnonzero(closes)[np.cumsum(opens) - 1]
    previous = np.maximum(np.arange(len(pair)) - 1, 0)
    follows = np.where(opens, rank == first, rank == rank[previous] + 1)
    ends_both = closes & (rank == last)
    before = (
        np.where(opens, 0, (left + size)[previous]),
        np.where(opens, 0, (right + size)[previous]),
    )
    gaps = _Gaps(
        np.concatenate((pair[follows], pair[ends_both])),
        np.concatenate((before[0][follows], (left + size)[ends_both])),
        np.concatenate((left[follows], left_sizes[pair[ends_both]])),
        np.concatenate((before[1][follows], (right + size)[ends_both])),
        np.concatenate((right[follows], right_sizes[pair[ends_both]])),
    )
    # A passage that one text repeats may reach into its neighbour on the right.
    gaps = gaps._replace(right_end=np.maximum(gaps.right, gaps.right_end))
    return gaps.take(np.lexsort((gaps.left, gaps.pair)))
