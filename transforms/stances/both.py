"""The readers at work on one sentence: the grammar alone, the learned reader alone, or both.

Where both read, the learned reader confirms, doubts or sharpens what the grammar read, and adds a
stance of its own between actors of whom the grammar read nothing only where it is sure enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from transforms.records import Mention
from transforms.stances.combine import (
    COUNTED_FACTUALITY,
    Hints,
    Judged,
    Weights,
    best_edge,
    combine,
    hints_of,
    judge_by_grammar,
    judge_by_learned,
    judge_together,
)
from transforms.stances.evidence import best_per_dyad
from transforms.stances.grammar import Grammar, Stated
from transforms.stances.pairs import same_actor
from transforms.stances.readings import Kind, Reading

if TYPE_CHECKING:
    from transforms.stances.gate import Gate
    from transforms.stances.learned import SentenceReader
    from transforms.stances.tree import Tree

# Pairs of one sentence that the grammar read nothing of and the learned reader may read: a
# sentence can list all states, whose pairs would be tens of thousands.
MAX_SILENT_PAIRS: Final = 6
# Below this a stance that only the learned reader saw isn't worth a row: at 0.30 and 0.32 other
# actors of the same type changed .07 of the edges on directed sentiment, at 0.35 .05.
LEAST_KEPT: Final = 0.35
# How much of its confidence a stance keeps that only the learned reader saw: tuned on directed
# sentiment, so that .80 of the edges that count at 0.5 are right; and in a sentence of three actors
# or more, where it errs most: tuned on the sample articles.
ALONE: Final = 0.98
CROWDED: Final = 0.65

Pair = tuple[str, str]


def read_alone(grammar: Grammar, number: int) -> list[Judged]:
    """Return what the grammar reads in one sentence."""
    return [judge_by_grammar(item) for item in best_per_dyad(grammar.read_sentence(number))]


def hints_by_pair(stated: Iterable[Stated]) -> dict[Pair, Hints]:
    """Return what the grammar's readings of one sentence say of each pair of actors."""
    readings: dict[Pair, list[tuple[Stated, bool]]] = {}
    for item in stated:
        pair = _pair(item.reading.source, item.reading.target)
        readings.setdefault(pair, []).append((item, _is_forward(item.reading)))
    return {pair: hints_of(found) for pair, found in readings.items()}


class Readers:
    """Reads one sentence with the learned reader and, if `with_grammar`, the grammar's reading."""

    def __init__(
        self,
        tree: Tree,
        grammar: Grammar,
        sentence: SentenceReader,
        gate: Gate,
        weights: Weights,
        *,
        with_grammar: bool,
    ) -> None:
        self._tree = tree
        self._grammar = grammar
        self._sentence = sentence
        self._gate = gate
        self._weights = weights
        self._with_grammar = with_grammar

    def read(self, number: int, mentions: Sequence[Mention]) -> list[Judged]:
        """Return what is read in sentence `number`; `mentions` are the ones in it."""
        judged: list[Judged] = []
        spoken: set[Pair] = set()
        used: set[int] = set()
        if self._with_grammar:
            stated = best_per_dyad(self._grammar.read_sentence(number))
            judged = self._weigh(stated)
            spoken = {_pair(item.reading.source, item.reading.target) for item in stated}
            for item in stated:
                used |= {item.reading.predicate, *item.reading.trigger}
        if self._grammar.sport.in_sentence(number):
            return judged  # what crushes and beats there is the grammar's to tell
        crowded = len({m.rollup for m in mentions}) > 2
        for p, q, odds in self._silent(mentions, spoken):
            judged += self._add(p, q, odds, used, crowded)
        return judged

    def _weigh(self, stated: Sequence[Stated]) -> list[Judged]:
        """Return the grammar's readings with the weight that both readers give them."""
        hints = hints_by_pair(stated)
        judged = []
        for item in stated:
            reading = item.reading
            vote = self._sentence.read(reading.source, reading.target)
            if vote is None:
                judged.append(judge_by_grammar(item))
                continue
            p, q = _in_order(reading.source, reading.target)
            odds = self._gate.score(self._tree, p.head, q.head)
            hint = replace(hints[_pair(p, q)], odds=odds)
            common = combine(vote, hint, self._weights)
            judged.append(judge_together(item, vote, common, hint, _is_forward(reading)))
        return judged

    def _silent(
        self, mentions: Sequence[Mention], spoken: set[Pair]
    ) -> Iterator[tuple[Mention, Mention, float]]:
        """Yield the nearest mentions of each pair that the grammar read nothing of, P first, and
        the gate's score, where it opens."""
        nearest: dict[Pair, tuple[int, Mention, Mention]] = {}
        ordered = sorted(mentions, key=lambda m: (m.start, m.end))
        for i, p in enumerate(ordered):
            for q in ordered[i + 1 :]:
                pair, gap = _pair(p, q), q.start - p.end
                if same_actor(p, q) or gap < 0 or pair in spoken:
                    continue
                if pair not in nearest or gap < nearest[pair][0]:
                    nearest[pair] = (gap, p, q)
        near = sorted(nearest.values(), key=lambda item: (item[0], item[1].start, item[2].start))
        for _, p, q in near[:MAX_SILENT_PAIRS]:
            odds = self._gate.score(self._tree, p.head, q.head)
            if self._gate.opens(odds):
                yield p, q, odds

    def _add(
        self, p: Mention, q: Mention, odds: float, used: set[int], crowded: bool
    ) -> Iterator[Judged]:
        """Yield what the learned reader sees between the two that is asserted or planned.

        A word that the grammar has read joins the actors that it read it of, and no others; a
        sentence of many actors is where the learned reader errs most.
        """
        predicate = self._predicate(p.head, q.head)
        if predicate in used:
            return
        vote = self._sentence.read(p, q)
        if vote is None:
            return
        common = combine(vote, Hints(odds=odds), self._weights) if self._with_grammar else vote
        sign, forward, chance = best_edge(common)
        share = CROWDED if crowded and self._with_grammar else 1.0
        certainty = min(p.confidence, q.confidence) * share
        if chance * certainty < LEAST_KEPT:
            return
        if self._with_grammar and not crowded:
            certainty *= ALONE
        source, target = (p, q) if forward else (q, p)
        reading = self._reading(source, target, sign, chance, predicate)
        item = self._grammar.state(reading)
        if item.status.factuality not in COUNTED_FACTUALITY:
            return
        # The grammar has scaled the chance by how it is told and who vouches for it.
        yield judge_by_learned(item, vote, common, forward, certainty * item.weight / chance)

    def _reading(
        self, source: Mention, target: Mention, sign: int, chance: float, predicate: int
    ) -> Reading:
        kind: Kind = "act" if self._tree.is_verb(predicate) else "relation"
        lemma = self._tree.lemma[predicate]
        if lemma in self._grammar.lexicon.speech:
            kind = "statement"
        return Reading(source, target, sign, kind, chance, predicate, (predicate,))

    def _predicate(self, source: int, target: int) -> int:
        """Return the word that most likely carries the stance: where the two ways meet."""
        tree = self._tree
        up = [source, *tree.ancestors(source)]
        down = {target, *tree.ancestors(target)}
        meet = next((i for i in up if i in down), up[-1])
        if tree.is_verb(meet):
            return meet
        verbs = [i for i in (*up[: up.index(meet) + 1], *tree.ancestors(meet)) if tree.is_verb(i)]
        return verbs[0] if meet in (source, target) and verbs else meet


def _pair(a: Mention, b: Mention) -> Pair:
    return (a.actor, b.actor) if a.actor <= b.actor else (b.actor, a.actor)


def _is_forward(reading: Reading) -> bool:
    """Tell whether a reading's source comes first in the text."""
    source, target = reading.source, reading.target
    return (source.start, source.end) <= (target.start, target.end)


def _in_order(a: Mention, b: Mention) -> tuple[Mention, Mention]:
    return (a, b) if (a.start, a.end) <= (b.start, b.end) else (b, a)
