"""The readers' common vote: what either says moves it the way one would expect."""

from __future__ import annotations

import pytest

from transforms.stances.combine import Hints, Weights, best_edge, combine
from transforms.stances.vote import Vote

WEIGHTS = Weights(
    learned=0.8, grammar=0.6, read=2.0, silent=0.5, spoken=0.5, denied=0.5, gate=0.1, back=0.2
)
EVEN = Vote(0.6, 0.1, 0.1, 0.1, 0.1)


def test_a_reading_raises_its_own_edge_and_surer_ones_more() -> None:
    silent, weak, sure = (
        combine(EVEN, Hints(weights=(0.0, 0.0, weight, 0.0)), WEIGHTS).negative
        for weight in (0.0, 0.5, 0.9)
    )
    assert silent < weak < sure


def test_the_learned_reader_confirms_and_doubts_what_the_grammar_read() -> None:
    hints = Hints(weights=(0.8, 0.0, 0.0, 0.0))
    agrees, differs = Vote(0.1, 0.8, 0.05, 0.03, 0.02), Vote(0.9, 0.02, 0.02, 0.04, 0.02)
    assert combine(agrees, hints, WEIGHTS).positive > combine(differs, hints, WEIGHTS).positive


def test_a_denial_lowers_its_direction_only() -> None:
    hints = Hints(denied=(True, False, True, False))
    denied = combine(EVEN, hints, WEIGHTS)
    assert denied.positive < denied.positive_back
    assert denied.negative < denied.negative_back


def test_the_way_back_is_rarer() -> None:
    common = combine(EVEN, Hints(), WEIGHTS)
    assert common.positive_back < common.positive
    assert common.negative_back < common.negative


def test_words_that_go_with_stances_leave_less_neutral() -> None:
    low, high = (combine(EVEN, Hints(odds=odds), WEIGHTS).neutral for odds in (-5.0, 5.0))
    assert high < low


def test_the_best_edge_says_sign_and_direction() -> None:
    assert best_edge(Vote(0.4, 0.1, 0.1, 0.1, 0.3)) == (-1, False, 0.3)


def test_no_probability_breaks_it() -> None:
    common = combine(Vote(1.0, 0.0, 0.0, 0.0, 0.0), Hints(), WEIGHTS)
    assert sum(common.chances()) == pytest.approx(1)
