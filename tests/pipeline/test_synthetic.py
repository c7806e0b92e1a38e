from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from pipeline.training.inflect import inflect
from pipeline.training.synthetic import generate, label_pairs
from pipeline.training.synthetic_grammar import Grammar
from transforms.resources import config_dir
from transforms.stances.lexicon import Lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(config_dir() / "stances.toml")


@pytest.mark.parametrize(
    ("verb", "past", "participle", "third", "gerund"),
    [
        ("condemn", "condemned", "condemned", "condemns", "condemning"),
        ("lash out at", "lashed out at", "lashed out at", "lashes out at", "lashing out at"),
        ("double-cross", "double-crossed", "double-crossed", "double-crosses", "double-crossing"),
        ("overthrow", "overthrew", "overthrown", "overthrows", "overthrowing"),
        ("rebel", "rebelled", "rebelled", "rebels", "rebelling"),
        ("slaughter", "slaughtered", "slaughtered", "slaughters", "slaughtering"),
        ("defy", "defied", "defied", "defies", "defying"),
        ("free", "freed", "freed", "frees", "freeing"),
        ("slam", "slammed", "slammed", "slams", "slamming"),
        ("betray", "betrayed", "betrayed", "betrays", "betraying"),
    ],
)
def test_verb_forms(verb: str, past: str, participle: str, third: str, gerund: str) -> None:
    forms = [inflect(verb, form) for form in ("past", "pp", "s", "ing")]
    assert forms == [past, participle, third, gerund]


def test_rows_are_repeatable_and_in_the_reference_format(lexicon: Lexicon) -> None:
    rows = list(generate(120, 7, lexicon))
    assert rows == list(generate(120, 7, lexicon))
    assert rows[:10] == list(generate(10, 7, lexicon))
    assert len({row["sentence"] for row in rows}) > 115
    for row in rows:
        assert re.findall(r"\[([^\]]*)\]", row["sentence"]) == [row["p"], row["q"]]
        assert (row["stance"] == "neutral") == (row["direction"] is None)
        assert not re.search(r"[{}()|\x01\x02]|  | ,|,,", row["sentence"])
        assert row["sentence"][-1] in ".?"


def test_every_frame_can_be_written(lexicon: Lexicon) -> None:
    grammar = Grammar(lexicon)
    for group, frames in list(grammar.frames.items()):
        for frame in frames:
            grammar.frames[group] = [frame]
            draft = grammar.write(group, Random(3))
            assert {"A", "B"} <= set(draft.cast), frame["text"]
            assert len(draft.text) > 10


def test_labels_and_phenomena_are_balanced(lexicon: Lexicon) -> None:
    rows = list(generate(1000, 5, lexicon))
    labels = Counter((row["stance"], row["direction"]) for row in rows)
    assert len(labels) == 5
    assert 0.5 <= labels["neutral", None] / len(rows) <= 0.7
    assert abs(labels["positive", "p->q"] - labels["negative", "p->q"]) < 60
    phenomena = Counter(row["phenomenon"] for row in rows)
    assert len(phenomena) >= 20
    assert min(phenomena.values()) > 15


def test_names_carry_no_signal(lexicon: Lexicon) -> None:
    rows = list(generate(1200, 9, lexicon))
    overall = sum(row["stance"] == "negative" for row in rows) / len(rows)
    for kind in ("state", "person"):
        own = [row["stance"] == "negative" for row in rows if row["types"]["p"] == kind]
        assert abs(sum(own) / len(own) - overall) < 0.08


@pytest.mark.parametrize(
    ("phenomenon", "pattern", "stances"),
    [
        ("negation", r"(?:refused|declined) to", {"neutral"}),
        ("denial", r"denied", {"neutral"}),
        ("modality_condition", r"^Will ", {"neutral"}),
        ("reciprocity", r"traded|exchanged", {"negative"}),
    ],
)
def test_labels_follow_the_guide(
    lexicon: Lexicon, phenomenon: str, pattern: str, stances: set[str]
) -> None:
    grammar = Grammar(lexicon)
    seen = 0
    for number in range(250):
        draft = grammar.write(phenomenon, Random(number))
        for row in label_pairs(draft):
            slots = {row["p"], row["q"]} == {draft.cast["A"].text, draft.cast["B"].text}
            if slots and re.search(pattern, row["sentence"]):
                assert row["stance"] in stances, row["sentence"]
                seen += 1
    assert seen > 5


def test_a_word_added_to_the_lexicon_is_written(lexicon: Lexicon, tmp_path: Path) -> None:
    text = (config_dir() / "stances.toml").read_text("utf-8")
    path = tmp_path / "stances.toml"
    path.write_text(text.replace('"condemn", ', '"condemn", "lampoonify", '), "utf-8")
    words = {word.text for word in Grammar(Lexicon.load(path)).verbs["against"]}
    assert "lampoonify" in words
    assert "lampoonify" not in {word.text for word in Grammar(lexicon).verbs["against"]}
