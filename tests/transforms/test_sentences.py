from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import ORIGINALS

from transforms.sentences import MAX_SENTENCE_CHARS, compose, split_document
from transforms.words import fold

# Each list is one text, parted where its sentences part.
SPLITS = {
    "acronyms and dates": [
        "The U.S. said on Jan. 3 it would act.", "Mr. Oduya of the U.N. declined.",
    ],
    "quote closes after the stop": ["\u201cWe do not want war.\u201d", "He said nothing more."],
    "quote goes on": [
        "\u201cWe do not want war,\u201d he said.", "\u201cWe want peace.\u201d", "All left.",
    ],
    "stops inside a quote": ["He said: \u201cStop.", "Do not go.\u201d", "Then he left."],
    "asked in the middle": ["\u201cWhy?\u201d Brandt asked.", "\u201cBecause.\u201d"],
    "asked by he": ["\u201cWhy now?\u201d he asked.", "Nobody knew."],
    "decimals": ["The index rose 3.5 percent to 1,204.33 points.", "Traders cheered."],
    "detached decimals": ["It costs $5. 2 million.", "The E.U. objected."],
    "year before a number": ["The mine closed in 2016.", "40 people lost their work."],
    "rank and initial": ["He met Gen. Marta A. Keller at 5 p.m. on Monday.", "They talked."],
    "time ends a sentence": ["The talks ended at 5 p.m.", "Nobody commented."],
    "time zone": ["The page was updated at 2:30 p.m. ET on Monday.", "More follows."],
    "marks": ["Is it over?", "Not yet!", "We wait\u2026 and hope.", "Then... nothing."],
    "ellipsis ends": ["They waited\u2026", "Nobody came."],
    "initials": ["J. K. Sorel and George W. Falk met in Port Sarn.", "It rained."],
    "acronym ends": ["He lives in the U.S.", "She lives in the U.K. with her son."],
    "number abbreviation": ["Resolution No. 242 was adopted.", "No.", "That is all."],
    "companies": ["Acme Inc. and Beta Corp. merged.", "The price of both fell."],
    "brackets": ["The minister (a friend of Mr. Falk) agreed.", "(It was late.)", "All left."],
    "court case": ["Sorel v. Brandt was heard.", "The court rose."],
    "space missing": ["The deal is done.", "Torrin signed."],
    "single quotes": ["'We are ready.'", "She smiled."],
    "chinese": ["\u6211\u5f88\u597d\u3002", "\u4f60\u5462\uff1f", "\u518d\u89c1\uff01"],
}  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_sentences_part_where_a_reader_parts_them(name):
    wanted = SPLITS[name]
    joint = "" if name in ("space missing", "chinese") else " "
    assert [span.text for span in split_document("", joint.join(wanted))] == wanted


def test_lines_and_paragraphs_end_sentences():
    text = "Background\nThe talks failed\n\n- first point\n- second point\n\u2022 third"
    assert [span.text for span in split_document("", text)] == [
        "Background", "The talks failed", "- first point", "- second point", "\u2022 third",
    ]  # fmt: skip


def test_a_text_wrapped_for_mail_is_not_parted_at_its_lines():
    text = (
        "The government of Veldania said on Wednesday it would favour\n"
        "Arvena in the quarrel about the coastal pipeline, after three\n"
        "weeks without a word. Officials in Torrin called the decision\n"
        "regrettable and offered talks.\n"
        "\n"
        "Two insurers raised their premiums by a fifth, and the ferry\n"
        "to Kelburg was cancelled."
    )
    spans = split_document("", text)
    assert [span.text[:12] for span in spans] == ["The governme", "Officials in", "Two insurers"]


def test_the_title_is_one_sentence_before_the_text():
    spans = split_document("Over? Not yet. Talks  go on", "Talks went on. Nobody left.")
    document = compose("Over? Not yet. Talks  go on", "Talks went on. Nobody left.")
    assert document == "Over? Not yet. Talks go on\n\nTalks went on. Nobody left."
    assert [(span.text, span.is_title) for span in spans] == [
        ("Over? Not yet. Talks go on", True), ("Talks went on.", False), ("Nobody left.", False),
    ]  # fmt: skip


def test_a_title_that_heads_the_text_is_not_repeated():
    text = "Veldania BACKS Arvena\nIt did so on Monday."
    assert compose("Veldania backs  Arvena", text) == text
    spans = split_document("Veldania backs  Arvena", text)
    assert [span.is_title for span in spans] == [True, False]


def test_a_title_that_only_starts_the_first_sentence_stays_a_title_of_its_own():
    document = compose("Veldania backs Arvena", "Veldania backs Arvena in the quarrel, it said.")
    assert document.startswith("Veldania backs Arvena\n\nVeldania backs Arvena in")


def test_without_a_title_or_a_text_the_other_stands_alone():
    assert compose("", "Text.") == "Text."
    assert compose("Title", "") == "Title"
    assert [span.is_title for span in split_document("Title", "")] == [True]
    assert split_document("", "") == []


def test_hashes_forget_typography_and_remember_words():
    plain, fancy, other = (
        split_document("", text)[0].hash
        for text in (
            'He said: "It isn\'t  over" - today.',
            "HE SAID: \u201cIt isn\u2019t over\u201d \u2014 today!",
            'He said: "It is over" - today.',
        )
    )
    assert plain == fancy != other
    assert len(plain) == 16 and int(plain, 16) >= 0


def test_an_endless_sentence_is_cut_at_soft_breaks():
    spans = split_document("", "word, " * 2_000)
    assert all(len(span.text) <= MAX_SENTENCE_CHARS for span in spans)
    assert all(span.text.endswith(",") for span in spans)
    hard = split_document("", "x" * 5_000)
    assert [len(span.text) for span in hard] == [2_000, 2_000, 1_000]


def test_copies_share_the_hashes_of_the_sentences_they_share():
    text = ORIGINALS["strike"]
    whole = [span.hash for span in split_document("One headline", text)]
    assert len(set(whole)) == len(whole)
    for head in (
        "KELBURG \u2014 ",
        "PORT SARN, Feb. 3 (Harbour Wire) -- ",
        "From our wire.\n\nKELBURG - ",
    ):
        copy = [span.hash for span in split_document("Another", head + text)]
        assert set(whole) - set(copy) == {whole[0]}, "only the headline differs"


PIECES = st.lists(
    st.sampled_from(
        ["Mr.", "U.S.", "a", "B", ".", "!", "3.", "”", "“", "…", "(", ")", "。", "中", "\n", "\n\n"]
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), PIECES.map(" ".join) | PIECES.map("".join) | st.text(max_size=200))
def test_spans_are_ordered_trimmed_and_hold_every_word(title, text):
    document = compose(title, text)
    spans = split_document(title, text)
    end = 0
    for span in spans:
        assert end <= span.start < span.end
        assert document[span.start : span.end] == span.text == span.text.strip()
        end = span.end
    assert b" ".join(fold(span.text) for span in spans).split() == fold(document).split()
    assert split_document(title, text) == spans
