from __future__ import annotations

from dataclasses import replace

from transforms.records import Evidence
from transforms.stances.repeats import drop_repeats

PIECE = Evidence(
    source_actor="RUS",
    source_rollup="RUS",
    target_actor="nato",
    target_rollup="nato",
    stance="opposed",
    kind="statement",
    voice="source",
    speaker_actor=None,
    quoted=False,
    factuality="asserted",
    is_background=False,
    score=-0.8,
    confidence=0.85,
    p_supportive=0.05,
    p_opposed=0.85,
    p_neutral=0.1,
    grammar_vote="opposed",
    learned_vote=None,
    trigger="slams",
    path="",
    sentence="Russia slams NATO over Baltic expansion",
    sentence_hash="a",
    source_start=0,
    source_end=6,
    target_start=13,
    target_end=17,
    trigger_start=7,
    trigger_end=12,
    counted=True,
)
BODY = replace(
    PIECE, sentence="On Monday Russia slams NATO over its Baltic expansion.", sentence_hash="b"
)


def test_headline_and_body_count_once() -> None:
    assert drop_repeats([PIECE, BODY]) == [PIECE]


def test_other_dyad_stance_or_words_stay() -> None:
    other_target = replace(BODY, target_rollup="USA")
    other_stance = replace(BODY, stance="supportive")
    other_words = replace(BODY, sentence="Moscow condemned the alliance again on Friday")
    pieces = [PIECE, other_target, other_stance, other_words]
    assert drop_repeats(pieces) == pieces


def test_two_triggers_of_one_sentence_stay() -> None:
    again = replace(PIECE, trigger="over", trigger_start=18)
    assert drop_repeats([PIECE, again]) == [PIECE, again]


def test_short_sentences_are_never_repeats() -> None:
    short = replace(PIECE, sentence="NATO slammed", sentence_hash="c")
    assert drop_repeats([short, PIECE]) == [short, PIECE]


def test_a_headline_of_three_words_is_repeated_by_what_says_all_of_it() -> None:
    shown = replace(PIECE, sentence="Russia condemns NATO", sentence_hash="c")
    said = replace(PIECE, sentence="On Friday Russia condemned NATO again.", sentence_hash="d")
    assert drop_repeats([shown, said]) == [shown]
    other = replace(PIECE, sentence="Russia sued NATO over its drills.", sentence_hash="e")
    assert drop_repeats([shown, other]) == [shown, other]
