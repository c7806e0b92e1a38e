"""Names of outlets and agencies: many words at once are told as one text's are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.hashed_texts import TextRows, hash_texts
from transforms.neutral_words import MAX_WORDS, NeutralWords, neutral_places
from transforms.text_rules import shipped_rules

RULES = shipped_rules()
WIDTH = 3
OUTLETS = ("Times of Israel", "The Straits Times", "times", "straits-times.co.uk", "", "Reuters")
WORDS = ("Times", "of", "Israel", "the", "Straits", "co", "uk", "Reuters", "Agence", "France",
         "Presse", "Press", "Associated", "said")  # fmt: skip

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(texts, st.sampled_from(OUTLETS)), min_size=1, max_size=5))
def test_many_words_at_once_are_told_as_those_of_one_text_are(articles):
    (hashed,) = hash_texts([text for text, _ in articles], WIDTH)
    numbers = np.arange(len(articles))
    rows = TextRows([hashed], np.zeros(len(articles), dtype=np.int64), numbers)
    names = NeutralWords([outlet for _, outlet in articles], RULES)
    for number, (_, outlet) in enumerate(articles):
        hashes = rows.all_words(number)[0]
        places = np.arange(len(hashes))
        found = names.are_neutral(np.full(len(hashes), number), places, hashes, rows)
        expected = neutral_places(hashes, 0, len(hashes), outlet, RULES)
        assert np.flatnonzero(found).tolist() == expected


def test_without_any_name_no_word_is_neutral():
    rules = replace(RULES, agencies=frozenset())
    (hashed,) = hash_texts(["Reuters said the Times said"], WIDTH)
    rows = TextRows([hashed], np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    hashes = rows.all_words(0)[0]
    texts, places = np.zeros(len(hashes), dtype=np.int64), np.arange(len(hashes))
    assert not NeutralWords([""], rules).are_neutral(texts, places, hashes, rows).any()


def test_a_name_of_one_word_again_and_again_is_no_outlet_s():
    said = " ".join(["wire"] * 2_000)
    (hashed,) = hash_texts([said], WIDTH)
    rows = TextRows([hashed], np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    hashes = rows.all_words(0)[0]
    texts, places = np.zeros(len(hashes), dtype=np.int64), np.arange(len(hashes))
    for repeated in (2, MAX_WORDS, MAX_WORDS + 1, 1_000):
        outlet = " ".join(["wire"] * repeated)
        found = NeutralWords([outlet], RULES).are_neutral(texts, places, hashes, rows)
        assert found.all() == found.any() == (repeated <= MAX_WORDS)
        assert len(neutral_places(hashes, 0, len(hashes), outlet, RULES)) == found.sum()
