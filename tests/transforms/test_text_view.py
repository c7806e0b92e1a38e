from __future__ import annotations

import pytest

from transforms.frame import strip_frame
from transforms.text_rules import load_rules, shipped_rules
from transforms.text_view import Kind, TextView, tokenise

RULES = shipped_rules()
BODY = "The minister left for talks on the toll."


@pytest.mark.parametrize(
    "frame",
    [
        "PORT SARN (Harbour Wire) - {}",
        "PORT SARN, Feb. 3 (Harbour Wire) -- {}",
        "KELBURG \u2014 {}",
        "Kelburg (HW) \u2013 {}",
        "(Harbour Wire) - {}",
        "OLD HAVEN/KELBURG, Jan. 12 - {}",
        "By Rosa Devlin\n{}",
        "By Rosa Devlin\nKELBURG \u2014 {}",
        "{} (Reporting by J. Marsh; editing by L. Novik)",
        "{} [Edited by L. Novik]",
        "{}",
    ],
)
def test_what_outlets_put_around_a_text_is_no_part_of_it(frame):
    assert strip_frame(frame.format(BODY)).strip() == BODY


@pytest.mark.parametrize(
    "text",
    [
        "Veldania (population 3 million) left the talks.",
        "NATO - the alliance of 32 states - said nothing.",
        "Torrin has - so far - said nothing.",
        "The editing (of films) is done.",
        "From Kelburg to Tessel the road is closed.",
    ],
)
def test_what_only_looks_like_a_frame_stays(text):
    assert strip_frame(text) == text


@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        ("rose 1,204 points", "1204", Kind.NUMBER),
        ("rose 3.5 points", "3.5", Kind.NUMBER),
        ("in three weeks", "3", Kind.NUMBER),
        ("on Wednesday evening", "wednesday", Kind.WEEKDAY),
        ("on Feb. 3 it", "02-03", Kind.DATE),
        ("on 3 February 2026 it", "02-03", Kind.DATE),
        ("came yesterday with", "yesterday", Kind.RELATIVE_DAY),
        ("by Torrin's fleet", "torrin", Kind.NAME),
        ("the U.S. fleet", "us", Kind.NAME),
        ("the president's car", "president", Kind.WORD),
    ],
)
def test_tokens_tell_what_a_swap_would_change(text, word, kind):
    found = [token for token in tokenise(text, RULES, opens=False) if token.word == word]
    assert [token.kind for token in found] == [kind]


def test_a_capital_after_a_full_stop_is_only_a_possible_name():
    kinds = [token.kind for token in tokenise("Torrin left. Officials met Gen. Sorel.", RULES)]
    assert kinds.count(Kind.POSSIBLE_NAME) == 2
    assert kinds[-1] is Kind.NAME


def test_tokens_of_a_range_are_those_of_the_words_in_it():
    view = TextView("a", "", "We met the U.S. envoy. He paid 1,204 crowns.")
    assert [token.word for token in view.tokens(3, 5)] == ["us"]
    assert [token.word for token in view.tokens(7, 10)] == ["paid", "1204"]
    assert view.words(5, 8) == "envoy. He paid"
    assert view.opens_sentence(6) and not view.opens_sentence(7)
    assert view.tokens(4, 4) == []


def test_every_rule_is_casefolded_and_the_opposites_are_mutual():
    words = [
        *RULES.titles, *RULES.function_words, *RULES.negations, *RULES.abbreviations,
        *RULES.opposites, *RULES.weekdays, *RULES.months, *RULES.numbers, *RULES.agencies,
        *RULES.open_abbreviations, *RULES.numeric_abbreviations, *RULES.sentence_starters,
    ]  # fmt: skip
    assert all(word == word.casefold() and "." not in word for word in words)
    for word, others in RULES.opposites.items():
        assert word not in others
        assert all(word in RULES.opposites[other] for other in others)


def test_a_rules_file_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text("titels = []\n", encoding="utf-8")
    with pytest.raises(ValueError, match="titels"):
        load_rules(path)
