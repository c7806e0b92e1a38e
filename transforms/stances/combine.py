"""What the two readers make of one dyad together.

The grammar says what a sentence states and how; the learned reader says how such sentences are
meant; the gate (`gate.py`) which words and ways through the parse go with a stance at all. Their
combination is a softmax over the five classes of a pair (neutral; each sign in each direction)
whose scores are sums of what each says of the class:

    score(neutral) = learned · log p(neutral) - gate · odds + (spoken, or silent if not)
    score(edge)    = learned · log p(edge) + [grammar read it] · (grammar · logit(weight) + read)
                     - [grammar denied the edge's direction] · denied - [from Q to P] · back

Eight numbers, fitted on held-out reference sentences, stand in the model's card under
`combination`; `spoken` is added where the grammar read anything of the pair, else `silent`. `back`
undoes what weights for rare classes do in training: a learned reader that sees too many of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from transforms.records import Stance
from transforms.stances.grammar import Stated
from transforms.stances.vote import Vote, softmax

COUNTED_FACTUALITY: Final = ("asserted", "planned")
# A grammar that isn't sure doubts that there is a stance at all, rather than its sign.
SIGN_DOUBT: Final = 0.25
# From this weight on the grammar is relied on, and this much of its weight no doubt takes away;
# both tuned on the sample articles.
RELIED_ON: Final = 0.5
KEPT: Final = 0.9
# Sign and direction (True: P to Q) of the classes after "neutral", in the order of `Vote`.
EDGES: Final = ((1, True), (1, False), (-1, True), (-1, False))
_LEAST: Final = 1e-6
_SUREST: Final = 0.98


@dataclass(frozen=True, slots=True)
class Weights:
    """The combination's numbers; the module says what each does."""

    learned: float
    grammar: float
    read: float
    silent: float
    spoken: float
    denied: float
    gate: float
    back: float

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Weights:
        """Return the weights of a model's card; raises KeyError or TypeError for a bad one."""
        return cls(**{field.name: float(card["combination"][field.name]) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Judged:
    """A stated reading, how likely each stance of its dyad is, and each reader's own vote."""

    stated: Stated
    supportive: float
    opposed: float
    neutral: float
    grammar_vote: Stance | None
    learned_vote: Stance | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """What the grammar says of one pair: the weight with which it read each of `EDGES`, 0 for none,
    and which of their directions it denies or leaves open; `odds` is the gate's score."""

    weights: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    denied: tuple[bool, ...] = (False, False, False, False)
    odds: float = 0.0

    @property
    def spoken(self) -> bool:
        """Whether the grammar read anything."""
        return any(self.weights) or any(self.denied)


def hints_of(stated: Iterable[tuple[Stated, bool]]) -> Hints:
    """Return the hints of one pair's readings, each with whether its source is P."""
    weights, denied = [0.0] * len(EDGES), [False] * len(EDGES)
    for item, forward in stated:
        told = item.status.factuality in COUNTED_FACTUALITY and item.reading.sign
        for number, (sign, way) in enumerate(EDGES):
            if way != forward:
                continue
            if not told:
                denied[number] = True
            elif sign == item.reading.sign:
                weights[number] = max(weights[number], min(item.weight, _SUREST))
    return Hints(tuple(weights), tuple(denied))


def scores(vote: Vote, hints: Hints, weights: Weights) -> list[float]:
    """Return the five classes' scores."""
    base = weights.spoken if hints.spoken else weights.silent
    neutral = weights.learned * math.log(max(vote.neutral, _LEAST))
    found = [neutral + base - weights.gate * hints.odds]
    for number, (sign, forward) in enumerate(EDGES):
        score = weights.learned * math.log(max(vote.of(sign, forward), _LEAST))
        weight = hints.weights[number]
        if weight:
            score += weights.grammar * math.log(weight / (1 - weight)) + weights.read
        elif hints.denied[number]:
            score -= weights.denied
        if not forward:
            score -= weights.back
        found.append(score)
    return found


def combine(vote: Vote, hints: Hints, weights: Weights) -> Vote:
    """Return both readers' common vote on one pair."""
    return softmax(scores(vote, hints, weights))


def judge_by_grammar(stated: Stated) -> Judged:
    """Return what the grammar alone makes of its reading."""
    sign = _sign(stated)
    confidence = min(1.0, max(0.0, stated.weight))
    rest = 1.0 - confidence
    if sign:
        other = confidence * rest * SIGN_DOUBT
        supportive, opposed = (confidence, other) if sign > 0 else (other, confidence)
        return Judged(stated, supportive, opposed, rest - other, stance_of(sign))
    lean = 0.0 if stated.status.factuality == "negated" else stated.reading.lean
    supportive = rest * (1 + lean) / 2
    return Judged(stated, supportive, rest - supportive, confidence, stance_of(sign))


def judge_together(stated: Stated, vote: Vote, common: Vote, hints: Hints, forward: bool) -> Judged:
    """Return what both readers make of the grammar's reading.

    The grammar reads what is stated, the learned reader was taught what annotators felt; so it
    confirms, or doubts a little (`KEPT`). What is denied, open, neutral, or told too weakly to be
    relied on keeps the grammar's figures: the learned reader was not taught to tell these from
    each other. A stance that the grammar reads both ways shares in both.
    """
    alone = judge_by_grammar(stated)
    learned = vote_of(vote, forward)
    sign = _sign(stated)
    told = sign and stated.status.factuality in COUNTED_FACTUALITY
    if not told or stated.weight < RELIED_ON:
        return replace(alone, learned_vote=learned)
    chance, other = common.of(sign, forward), common.of(-sign, forward)
    if hints.weights[EDGES.index((sign, not forward))]:
        chance += common.of(sign, not forward)
    chance = max(chance, KEPT * min(1.0, stated.weight))
    other = min(other, 1 - chance)
    supportive, opposed = (chance, other) if sign > 0 else (other, chance)
    return Judged(
        stated,
        supportive,
        opposed,
        max(0.0, 1 - chance - other),
        alone.grammar_vote,
        learned,
    )


def judge_by_learned(
    stated: Stated, vote: Vote, common: Vote, forward: bool, certainty: float
) -> Judged:
    """Return what a reading that only the learned reader made is worth.

    `certainty` 0..1 is how sure it is that the mentions and the speaker are who they seem.
    """
    supportive = certainty * common.of(1, forward)
    opposed = certainty * common.of(-1, forward)
    return Judged(
        stated,
        supportive,
        opposed,
        max(0.0, 1 - supportive - opposed),
        None,
        vote_of(vote, forward),
    )


def vote_of(vote: Vote, forward: bool) -> Stance:
    """Return the learned reader's own vote on one direction of a pair."""
    supportive, opposed = vote.of(1, forward), vote.of(-1, forward)
    if max(supportive, opposed) <= 1 - supportive - opposed:
        return "neutral"
    return "supportive" if supportive > opposed else "opposed"


def stance_of(sign: int) -> Stance:
    """Return the stance that a sign stands for."""
    return "neutral" if sign == 0 else "supportive" if sign > 0 else "opposed"


def best_edge(vote: Vote) -> tuple[int, bool, float]:
    """Return the likeliest edge of a vote: sign, whether P is the source, and its probability."""
    chances: Sequence[float] = [vote.of(sign, forward) for sign, forward in EDGES]
    best = max(range(len(EDGES)), key=chances.__getitem__)
    return (*EDGES[best], chances[best])


def _sign(stated: Stated) -> int:
    return 0 if stated.status.factuality == "negated" else stated.reading.sign
